//! The figures of the product: `cargo bench`, or one part with `cargo bench -- planner`.
//!
//! `SYNCDECK_BENCH_LEADS` sets the number of leads (100,000; 2,000 when only tried out, as
//! `cargo bench -- --test` does), `SYNCDECK_BENCH_MANY` a second, bigger one that the client reads
//! alone, such as 1,000,000; without it that part is left out. Nothing is asserted about time: machines differ. What is no time
//! (calls, bytes, memory, rates against the bare store) is printed below the table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench may stop at the first thing that is not as it should be, and prints figures"
)]

mod client;
mod console;
mod figure;
mod import;
mod lists;
mod org;
mod planner;
mod record;
mod world;

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler<tikv_jemallocator::Jemalloc> =
    divan::AllocProfiler::new(tikv_jemallocator::Jemalloc);

fn main() {
    divan::main();
    figure::print();
}
