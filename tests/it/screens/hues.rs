//! The three hues stay apart for every eye: distances in CIE Lab, for normal sight and for each kind
//! of colour blindness (Machado and others 2009, full severity).

use ratatui::style::{Color, Modifier};
use syncdeck::config::theme::{Role, built_in};
use syncdeck::tui::theme::{Depth, Theme};

type Three = [f64; 3];

const EYES: [[Three; 3]; 4] = [
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
];

/// From linear sRGB to XYZ, for the white of D65.
const XYZ: [Three; 3] = [
    [
        0.4124564 / 0.95047,
        0.3575761 / 0.95047,
        0.1804375 / 0.95047,
    ],
    [0.2126729, 0.7151522, 0.0721750],
    [
        0.0193339 / 1.08883,
        0.1191920 / 1.08883,
        0.9503041 / 1.08883,
    ],
];

fn times(matrix: &[Three; 3], v: Three) -> Three {
    matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
}

fn linear(v: u8) -> f64 {
    let v = f64::from(v) / 255.0;
    if v <= 0.04045 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

fn lab(colour: Three) -> Three {
    let [x, y, z] = times(&XYZ, colour).map(|t| {
        if t > 216.0 / 24389.0 {
            t.cbrt()
        } else {
            (24389.0 / 27.0 * t + 16.0) / 116.0
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn rgb(theme: &Theme, role: Role) -> Three {
    let level = |v: u8| if v == 0 { 0 } else { 55 + 40 * v };
    let (r, g, b) = match theme.style(role).fg {
        Some(Color::Rgb(r, g, b)) => (r, g, b),
        Some(Color::Indexed(i)) => {
            let i = i - 16;
            (level(i / 36), level(i / 6 % 6), level(i % 6))
        }
        other => panic!("{role:?} is {other:?}"),
    };
    [r, g, b].map(linear)
}

/// The smallest distance of two roles over all eyes.
fn apart(theme: &Theme, one: Role, other: Role) -> f64 {
    let seen =
        |eye: &[Three; 3], role| lab(times(eye, rgb(theme, role)).map(|v| v.clamp(0.0, 1.0)));
    let distance = |eye: &[Three; 3]| {
        let (a, b) = (seen(eye, one), seen(eye, other));
        let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        sum.sqrt()
    };
    EYES.iter().map(distance).fold(f64::INFINITY, f64::min)
}

#[test]
fn app_crm_and_error_are_told_apart_by_every_eye() {
    for (name, depth, least) in [
        ("dark", Depth::True, [87.0, 26.0, 50.0]),
        ("dark", Depth::Ansi256, [81.0, 40.0, 48.0]),
        ("light", Depth::True, [69.0, 31.0, 50.0]),
        ("light", Depth::Ansi256, [56.0, 42.0, 32.0]),
    ] {
        let theme = Theme::new(&built_in(name).unwrap(), depth);
        let pairs = [
            (Role::App, Role::Crm),
            (Role::Crm, Role::Fail),
            (Role::App, Role::Fail),
        ];
        for ((one, other), least) in pairs.into_iter().zip(least) {
            let distance = apart(&theme, one, other);
            assert!(
                distance >= least - 1.0,
                "{name} {depth:?} {one:?} {other:?}: {distance:.1}"
            );
        }
    }
}

#[test]
fn high_contrast_has_nothing_dim() {
    for depth in [Depth::Mono, Depth::Ansi16, Depth::Ansi256, Depth::True] {
        let theme = Theme::new(&built_in("high-contrast").unwrap(), depth);
        for role in Role::ALL {
            let style = theme.style(*role);
            assert!(
                !style.add_modifier.contains(Modifier::DIM),
                "{role:?} {depth:?}"
            );
        }
    }
}
