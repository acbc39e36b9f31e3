"""Run with the wheel installed and no other package: the program came with it, and works.

No test of pytest, which would be another package.
"""

import os
import sys
import sysconfig
from pathlib import Path

import charmproof
from charmproof import _binary as binary

CHARM = Path(__file__).parent / "charms" / "web"

os.environ.pop("CHARMPROOF_BINARY", None)
found = binary.find_binary()
expected = os.path.join(sysconfig.get_path("scripts"), "charmproof")
assert found == expected, f"{found} is not {expected}"
assert Path(charmproof.__file__).parent.joinpath("py.typed").exists()

[life] = charmproof.sequences(CHARM, seed=1)
assert life.hooks[-1].name == "remove", life.story()

for module, needed in (("testing", "ops[testing]"), ("hypothesis", "Hypothesis")):
    try:
        __import__(f"charmproof.{module}")
    except ImportError as error:
        assert needed in str(error), error
    else:
        sys.exit(f"charmproof.{module} can be imported, so this is not the wheel alone")
