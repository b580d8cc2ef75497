//! What is lost is recovered: the numbers that a change of the receiver must not make worse.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use core::fmt::Write as _;
use core::time::Duration;
use std::path::Path;

use mms_testkit::netem::{Bursts, SEED_VARIABLE, seeds};
use mms_testkit::udp::{Outcome, Simulation};

#[test]
fn without_resends_what_is_lost_is_missing() {
    let mut plan = Simulation { remembered: 0, ..Simulation::new(1) };
    plan.packets = 500;
    let run = plan.with_loss(100).run();
    assert_eq!(run.missing(), run.first_copies_lost, "{run:?}");
    assert_eq!(run.reported_missing, run.missing());
}

/// 20 seeds with headers of 1 and of 16 fragments.
fn runs(loss: u64) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for seed in seeds(1..=20) {
        for fragments in [1, 16] {
            let outcome = Simulation { fragments, ..Simulation::new(seed) }.with_loss(loss).run();
            if outcome.missing() > 0 || !outcome.header {
                println!("{SEED_VARIABLE}={seed}, {fragments} fragments: {outcome:?}");
            }
            outcomes.push(outcome);
        }
    }
    let sum = |part: fn(&Outcome) -> u64| outcomes.iter().map(part).sum::<u64>();
    let (sent, missing, lost) =
        (sum(|run| run.sent), sum(Outcome::missing), sum(|run| run.first_copies_lost));
    let requested = sum(|run| run.statistics.resend_requests);
    println!(
        "{} % loss each way, {} runs: {missing} of {sent} packets missing, {lost} first copies lost, \
         {requested} numbers requested ({:.2} per loss) in {} datagrams, {} resent",
        loss / 10,
        outcomes.len(),
        requested as f64 / lost.max(1) as f64,
        sum(|run| run.statistics.request_datagrams),
        sum(|run| run.resent),
    );
    for run in &outcomes {
        assert_eq!(run.reported_missing, run.missing(), "what is given up is reported exactly: {run:?}");
    }
    outcomes
}

#[test]
fn at_10_percent_loss_nothing_is_missing() {
    for run in runs(100) {
        assert!(run.header, "{run:?}");
        assert_eq!((run.sent, run.missing()), (2_000, 0), "{run:?}");
    }
}

#[test]
fn at_30_percent_loss_fewer_than_one_packet_in_a_thousand_is_missing() {
    let runs = runs(300);
    let sent: u64 = runs.iter().map(|run| run.sent).sum();
    let missing: u64 = runs.iter().map(Outcome::missing).sum();
    assert!(runs.iter().all(|run| run.header), "every header came");
    assert!(missing * 1000 < sent, "{missing} of {sent}");
}

#[test]
fn at_50_percent_loss_there_is_no_storm_of_requests() {
    for run in runs(500) {
        assert!(run.statistics.resend_requests <= 3 * run.first_copies_lost, "{run:?}");
    }
}

#[test]
fn without_loss_nothing_is_asked_for_and_nothing_waits() {
    let run = Simulation::new(1).run();
    assert_eq!(run.statistics.resend_requests, 0);
    assert_eq!(run.missing(), 0);
    assert_eq!(run.extra_delay[2], Duration::ZERO);
    assert!(run.end_after <= Duration::from_millis(40), "{:?}", run.end_after);
}

#[test]
fn a_stream_of_unknown_length_ends_after_silence() {
    let plan = Simulation { count_known: false, ..Simulation::new(4) };
    let run = plan.with_loss(50).run();
    assert!(run.missing() <= 3, "only the very last ones can be missing unnoticed: {run:?}");
    assert!(run.end_after < Duration::from_secs(5), "{run:?}");
}

#[test]
fn packets_that_a_server_leaves_out_are_not_missed() {
    for seed in seeds(1..=5) {
        for every in [2, 3, 7, 50, 257] {
            let plan = Simulation { left_out: Some(every), ..Simulation::new(seed) };
            let run = plan.with_loss(100).run();
            assert_eq!(run.missing(), 0, "{SEED_VARIABLE}={seed}, every {every}: {run:?}");
            assert_eq!(run.reported_missing, 0, "{SEED_VARIABLE}={seed}, every {every}: {run:?}");
        }
    }
}

#[test]
fn an_unpaced_server_is_survived_with_few_slots() {
    for seed in seeds(1..=5) {
        let mut plan = Simulation { interval: Duration::from_micros(50), slots: 64, ..Simulation::new(seed) };
        plan.remembered = 4096;
        let run = plan.with_loss(50).run();
        assert_eq!(run.missing(), 0, "{SEED_VARIABLE}={seed}: {run:?}");
    }
}

#[test]
fn a_bottleneck_with_a_short_queue_is_survived() {
    for seed in seeds(1..=5) {
        let mut plan = Simulation { interval: Duration::from_millis(2), ..Simulation::new(seed) };
        plan.to_client.rate = Some(500_000);
        plan.to_client.queue = 30_000;
        let run = plan.with_loss(20).run();
        assert_eq!(run.missing(), 0, "{SEED_VARIABLE}={seed}: {run:?}");
    }
}

/// The rows of the table: a name, and what the network does.
fn rows() -> Vec<(String, Simulation)> {
    let mut rows = Vec::new();
    for loss in [0, 10, 50, 100, 200, 300, 500] {
        rows.push((format!("loss {} %", loss / 10), Simulation::new(1).with_loss(loss)));
    }
    for (begin, end) in [(5, 200), (5, 50), (2, 10)] {
        let mut plan = Simulation::new(1);
        plan.to_client.bursts = Some(Bursts { begin, end, loss: 1000 });
        rows.push((format!("bursts of {}, {} per 1000", 1000 / end, begin), plan));
    }
    let mut reorder = Simulation::new(1);
    reorder.to_client.reorder = 50;
    reorder.to_client.reorder_by = Duration::from_millis(15);
    rows.push(("reorder 5 % by 15 ms".into(), reorder));
    reorder.to_client.reorder_by = Duration::from_millis(60);
    rows.push(("reorder 5 % by 60 ms".into(), reorder));
    let mut doubled = Simulation::new(1).with_loss(50);
    doubled.to_client.duplicate = 100;
    doubled.to_client.jitter = Duration::from_millis(8);
    rows.push(("loss 5 %, double 10 %, jitter 8 ms".into(), doubled));
    let mut far = Simulation::new(1).with_loss(100);
    far.to_client.delay = Duration::from_millis(300);
    far.to_server.delay = Duration::from_millis(300);
    rows.push(("loss 10 %, round trip 600 ms".into(), far));
    let mut thin = Simulation::new(1).with_loss(20);
    thin.to_client.rate = Some(110_000);
    thin.to_client.queue = 20_000;
    rows.push(("loss 2 %, rate 110 kB/s".into(), thin));
    rows
}

fn table() -> String {
    let mut table = String::from(
        "2,000 packets of 200 to 1,400 bytes every 10 ms, 25 ms each way, the same loss each way, seed 1.\n\
         lost: first copies that did not come; delay: beyond that of the path, in ms\n\n",
    );
    let head = [
        "network",
        "lost",
        "recovered",
        "missing",
        "requested",
        "per loss",
        "datagrams",
        "mean",
        "99 %",
        "most",
    ];
    writeln!(
        table,
        "{:<36}{:>6}{:>11}{:>9}{:>11}{:>10}{:>11}{:>7}{:>7}{:>7}",
        head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7], head[8], head[9]
    )
    .unwrap();
    for (name, plan) in rows() {
        let run = plan.run();
        let statistics = run.statistics;
        let [mean, most_of_them, most] = run.extra_delay.map(|delay| delay.as_millis());
        let per_loss = match run.first_copies_lost {
            0 => "-".into(),
            lost => format!("{:.2}", statistics.resend_requests as f64 / lost as f64),
        };
        writeln!(
            table,
            "{name:<36}{:>6}{:>11}{:>9}{:>11}{per_loss:>10}{:>11}{mean:>7}{most_of_them:>7}{most:>7}",
            run.first_copies_lost,
            statistics.packets_recovered_resent,
            run.missing(),
            statistics.resend_requests,
            statistics.request_datagrams,
        )
        .unwrap();
    }
    table
}

/// `MMS_WRITE_SNAPSHOTS=1` writes the table anew, for a reviewer to look at.
#[test]
fn the_table_of_losses_is_the_reviewed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/udp_loss.txt");
    let table = table();
    if std::env::var_os("MMS_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(table == reviewed, "the table changed:\n{table}\nreviewed:\n{reviewed}");
}
