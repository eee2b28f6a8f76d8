//! Starts the program: arguments, runtime, exit code; nothing else.

fn main() {}
