//! The first run in windows between the sizes that are drawn most.

use super::script::{Setup, nothing};

#[test]
fn what_the_steps_came_to_is_whole_beside_every_page() {
    for columns in (120..=200).step_by(5) {
        let mut setup = Setup::over(nothing(), columns, 40);
        setup.sees("5 Objects pick pairs").sees("4 App own store");
        let screen = setup.screen();
        let steps = screen.lines().filter_map(|line| line.split_once(" |"));
        let steps: Vec<&str> = steps.map(|(steps, _)| steps).collect();
        assert!(
            steps
                .iter()
                .any(|step| step.starts_with("  syncdeck connect --jwt-key FILE")),
            "{screen}"
        );
    }
}
