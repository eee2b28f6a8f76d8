//! Starts that go wrong, on a real (pseudo) terminal and with a profile that is set up: a theme or
//! a key file that cannot be used, and a terminal that cannot move its cursor.

use portable_pty::CommandBuilder;

use crate::pty::Terminal;
use crate::world::{Wanted, World};

fn console(world: &World, term: &str) -> Terminal {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_syncdeck"));
    command.env_clear();
    for (name, value) in world.variables() {
        command.env(name, value);
    }
    Terminal::called(command, term)
}

/// A file of the profile.
fn write(world: &World, name: &str, text: &str) {
    let file = world.profile().join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

#[test]
fn what_cannot_be_used_is_named_with_its_place_and_nothing_starts_by_halves() {
    let world = World::new(&Wanted::default());
    world.connect();
    let settings = std::fs::read_to_string(world.profile().join("config.toml")).unwrap();

    // A theme that nobody uses is left out with a word, and the console is there.
    write(&world, "themes/night.toml", "side.app = \"#zzzzzz\"\n");
    let mut terminal = console(&world, "xterm-256color");
    terminal
        .until_shown("[1 Overview]")
        .until_shown("A theme is left out.")
        .until_shown("night.toml:1");
    // A terminal that cannot move its cursor is told what it gets instead, and who has the engine.
    let mut dumb = console(&world, "dumb");
    dumb.until_shown("TERM=dumb")
        .until_shown("watch --plain")
        .until_shown("the store is in use by console")
        .until_shown("end the running one, or work there");
    dumb.ends_with_code(2);
    terminal.type_keys("q").exits();
    // With the engine free, it has the same in lines.
    let mut dumb = console(&world, "dumb");
    dumb.until_shown("TERM=dumb")
        .until_shown("Account <-> accounts");
    assert!(!dumb.raw().contains(&0x1b), "{}", dumb.contents());
    dumb.kill();

    // The one in use stops the start, with file, line and column, before a screen is drawn.
    write(
        &world,
        "config.toml",
        &format!("{settings}\n[ui]\ntheme = \"night\"\n"),
    );
    let mut terminal = console(&world, "xterm-256color");
    terminal.until_shown("error:").until_shown("night.toml:1");
    terminal.ends_with_code(2);
    assert!(!terminal.contents().contains("1 Overview"));
    write(&world, "config.toml", &settings);

    // So does a key that means two things.
    write(&world, "keys.toml", "[sync]\nrun_now = \"p\"\n");
    let mut terminal = console(&world, "xterm-256color");
    terminal
        .until_shown("keys.toml:2")
        .until_shown("sync.pause");
    terminal.ends_with_code(2);

    // And what is no file, or no text, where one is read.
    std::fs::remove_file(world.profile().join("keys.toml")).unwrap();
    std::fs::create_dir(world.profile().join("keys.toml")).unwrap();
    let mut terminal = console(&world, "xterm-256color");
    terminal
        .until_shown("keys.toml: Is a directory")
        .until_shown("let this user read it");
    terminal.ends_with_code(2);
    std::fs::remove_dir(world.profile().join("keys.toml")).unwrap();
    let night = world.profile().join("themes/night.toml");
    std::fs::write(&night, b"\xff\xfe").unwrap();
    std::fs::create_dir(world.profile().join("themes/noon.toml")).unwrap();
    let mut terminal = console(&world, "xterm-256color");
    terminal
        .until_shown("[1 Overview]")
        .until_shown("night.toml")
        .until_shown("UTF-8")
        .until_shown("noon.toml")
        .until_shown("Is a directory");
    terminal.type_keys("q").exits();
    std::fs::remove_file(&night).unwrap();
    std::fs::create_dir(&night).unwrap();
    write(
        &world,
        "config.toml",
        &format!("{settings}\n[ui]\ntheme = \"night\"\n"),
    );
    let mut terminal = console(&world, "xterm-256color");
    terminal.until_shown("night.toml: Is a directory");
    terminal.ends_with_code(2);
    assert!(!terminal.contents().contains("1 Overview"));
}
