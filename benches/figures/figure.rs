//! Figures that are no times of one function, and where they come from.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

static FIGURES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps a line for the end.
pub fn note(line: String) {
    FIGURES.lock().unwrap().push(line);
}

/// Prints what was kept.
pub fn print() {
    for line in FIGURES.lock().unwrap().iter() {
        println!("{line}");
    }
}

/// The usual points of a distribution.
pub fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times[index.min(times.len() - 1)]
    };
    format!(
        "median {:.1?}, 99th percentile {:.1?}, longest {:.1?} of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len()
    )
}

/// Memory of this process in MiB, by its name in `/proc/self/status`; 0 where there is none.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|rest| rest.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Memory above what was held at the start.
pub struct Peak {
    before: u64,
}

impl Peak {
    /// Starts over at what is held now.
    pub fn start() -> Self {
        // Writing 5 sets the high-water mark back (proc(5)); without it the peak is too large.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self {
            before: memory("VmRSS"),
        }
    }

    /// MiB above the start.
    pub fn above(&self) -> u64 {
        memory("VmHWM").saturating_sub(self.before)
    }
}

/// Seconds of processor time of this process, in user and kernel.
pub fn processor() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    ticks as f64 / 100.0
}

/// Processor time of this thread; none where the kernel does not say.
pub fn thread() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let worked = text.split_whitespace().next().and_then(|n| n.parse().ok());
    Duration::from_nanos(worked.unwrap_or(0))
}
