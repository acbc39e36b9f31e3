//! Tables of what each tool answers.
