//! The first thing that somebody tries: the whole story, from an empty home.

use super::Program;

#[test]
fn the_demo_tells_its_story_to_the_end() {
    let program = Program::new();
    let output = program
        .command(&["demo", "--headless", "--leads", "2000"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{why}");
    let last = said.lines().last().unwrap_or_default();
    assert!(last.contains("both sides agree"), "{said}");
    let left = std::fs::read_dir(program.home.path()).unwrap();
    assert_eq!(left.count(), 0, "nothing is left behind");
}
