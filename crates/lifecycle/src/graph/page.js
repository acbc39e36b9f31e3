
"use strict";
(() => {
  const svg = document.querySelector("svg.lifecycle");
  const parts = [...svg.querySelectorAll(".node, path.edge[data-from], path.stray[data-n], .pill")];
  const hooks = [...document.querySelectorAll("[data-hook]")];
  let kept = null;

  const clear = () => {
    for (const part of parts) part.classList.remove("dim", "pointed");
    for (const hook of hooks) hook.classList.remove("pointed");
  };

  // A node, its edges and its neighbours stay; the rest of its card steps back.
  const pointAtNode = (node) => {
    clear();
    const card = node.closest("g.card");
    const id = node.dataset.node;
    const near = new Set([id]);
    for (const part of parts.filter((part) => card.contains(part) && part.dataset.from !== undefined)) {
      const touches = part.dataset.from === id || part.dataset.to === id;
      part.classList.add(touches ? "pointed" : "dim");
      if (touches) near.add(part.dataset.from).add(part.dataset.to);
    }
    for (const part of parts.filter((part) => card.contains(part) && part.dataset.node !== undefined)) {
      if (!near.has(part.dataset.node)) part.classList.add("dim");
    }
    node.classList.add("pointed");
  };

  // Whatever a hook of the sequence did stays; all else steps back.
  const pointAtHook = (number) => {
    clear();
    for (const part of parts) {
      const numbers = (part.dataset.n || "").split(" ");
      part.classList.add(numbers.includes(number) ? "pointed" : "dim");
    }
    for (const hook of hooks) hook.classList.toggle("pointed", hook.dataset.hook === number);
  };

  const show = (target) => {
    if (target === null) clear();
    else if (target.dataset.hook !== undefined) pointAtHook(target.dataset.hook);
    else pointAtNode(target);
  };

  for (const target of [...svg.querySelectorAll(".node"), ...hooks]) {
    target.addEventListener("mouseenter", () => show(target));
    target.addEventListener("focus", () => show(target));
    target.addEventListener("mouseleave", () => show(kept));
    target.addEventListener("click", (event) => {
      event.stopPropagation();
      kept = kept === target ? null : target;
      show(kept);
    });
  }
  document.addEventListener("click", () => {
    kept = null;
    clear();
  });
})();
