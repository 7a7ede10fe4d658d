use super::*;
use std::time::Duration;

fn new(rise: u32, fall: u32) -> Health {
    Health::new(rise, fall, 0, Operation::Running)
}

fn run(rise: u32, fall: u32, results: &[Status]) -> Vec<String> {
    run_from(new(rise, fall), results)
}

fn run_from(mut health: Health, results: &[Status]) -> Vec<String> {
    results
        .iter()
        .enumerate()
        .map(|(at, status)| {
            let effect = health.record(Outcome::new(*status), at as u64 * 10);
            let (n, of, side) = health.progress_of(Finder::Check);
            let now = effect.now.map_or(String::new(), |now| format!(" {now:?}"));
            let mark = if effect.reported { "" } else { " quiet" };
            format!("{n}/{of} {side}{mark}{now}")
        })
        .collect()
}

const OK: Status = Status::L7Ok;
const NO: Status = Status::L7Status;

#[test]
fn the_first_failure_takes_a_new_server_down() {
    let got = run(2, 3, &[Status::L4Connection, Status::L4Connection]);
    assert_eq!(got, ["0/2 DOWN Stopped", "0/2 DOWN quiet"]);
    let got = run(2, 3, &[OK, NO, NO]);
    assert_eq!(got, ["1/2 DOWN", "0/2 DOWN Stopped", "0/2 DOWN quiet"]);
}

#[test]
fn rise_and_fall() {
    let results = [OK, OK, OK, NO, NO, OK, NO, NO, NO, NO, OK, NO, OK, OK];
    let got = run(2, 3, &results);
    let wanted = [
        "1/2 DOWN",
        "3/3 UP",
        "3/3 UP quiet",
        "2/3 UP",
        "1/3 UP",
        "3/3 UP",
        "2/3 UP",
        "1/3 UP",
        "0/2 DOWN Stopped",
        "0/2 DOWN quiet",
        "1/2 DOWN",
        "0/2 DOWN",
        "1/2 DOWN",
        "3/3 UP Running",
    ];
    assert_eq!(got, wanted);
}

#[test]
fn rise_or_fall_of_one() {
    let got = run(1, 2, &[OK, NO, NO, OK, NO, OK, OK]);
    let wanted = [
        "2/2 UP",
        "1/2 UP",
        "0/1 DOWN Stopped",
        "2/2 UP Running",
        "1/2 UP",
        "2/2 UP",
        "2/2 UP quiet",
    ];
    assert_eq!(got, wanted);
    let got = run(3, 1, &[OK, OK, OK, NO]);
    assert_eq!(got, ["1/3 DOWN", "2/3 DOWN", "1/1 UP", "0/3 DOWN Stopped"]);
}

#[test]
fn other_beginnings() {
    let settled = || Health::new(4, 2, 4, Operation::Running);
    assert_eq!(run_from(settled(), &[OK]), ["2/2 UP"]);
    assert_eq!(run_from(settled(), &[NO]), ["0/4 DOWN Stopped"]);
    let fully_up = Health::new(2, 3, 4, Operation::Running);
    let wanted = ["2/3 UP", "1/3 UP", "0/2 DOWN Stopped"];
    assert_eq!(run_from(fully_up, &[NO; 3]), wanted);
    let down = Health::new(2, 3, 1, Operation::Stopped);
    assert_eq!(run_from(down, &[OK]), ["3/3 UP Running"]);
    let fully_down = Health::new(2, 3, 0, Operation::Stopped);
    assert_eq!(
        run_from(fully_down, &[OK; 2]),
        ["1/2 DOWN", "3/3 UP Running"]
    );
}

#[test]
fn intervals_follow_the_state() {
    let intervals = Intervals {
        normal: 500,
        changing: Some(50),
        down: Some(200),
    };
    let mut health = new(3, 3);
    let mut next = |status| {
        health.record(Outcome::new(status), 0);
        health.interval(&intervals)
    };
    let results = [OK, OK, OK, OK, NO, NO, NO, NO, OK, OK, OK];
    let got: Vec<u64> = results.into_iter().map(&mut next).collect();
    assert_eq!(got, [50, 50, 500, 500, 50, 50, 200, 200, 50, 50, 500]);
    let plain = Intervals {
        normal: 500,
        changing: None,
        down: None,
    };
    assert_eq!(new(2, 3).interval(&plain), 500);
    assert_eq!(new(2, 3).interval(&intervals), 50);
}

#[test]
fn downtime_adds_up() {
    let mut health = new(1, 1);
    health.record(Outcome::new(NO), 100);
    assert_eq!(health.downtime(150), 50);
    health.record(Outcome::new(OK), 200);
    health.record(Outcome::new(NO), 300);
    assert_eq!((health.downtime(310), health.times_down), (110, 2));
}

#[test]
fn conditional_results_stop_and_good_ones_start_again() {
    const WAIT: Status = Status::L7OkConditional;
    let got = run(2, 2, &[OK, OK, WAIT, WAIT, OK, WAIT, NO, NO, WAIT, OK]);
    let wanted = [
        "1/2 DOWN",
        "2/2 UP",
        "2/2 UP Stopping",
        "2/2 UP quiet",
        "2/2 UP Running",
        "2/2 UP Stopping",
        "1/2 UP",
        "0/2 DOWN Stopped",
        "1/2 DOWN",
        "2/2 UP Running",
    ];
    assert_eq!(got, wanted);
}

#[test]
fn an_agent_keeps_a_server_down_and_need_not_answer() {
    let mut health = new(1, 1);
    health.has_agent = true;
    let mut agent = |status| {
        let effect = health.record_of(Finder::Agent, Outcome::new(status), 0);
        (effect.reported, effect.now)
    };
    assert_eq!(agent(Status::L7Timeout), (true, None));
    assert_eq!(agent(Status::Checked), (false, None));
    assert_eq!(agent(OK), (true, None));
    assert_eq!(agent(NO), (true, Some(Operation::Stopped)));
    // A good check alone does not bring it up again.
    let effect = health.record(Outcome::new(OK), 0);
    assert_eq!((effect.reported, effect.now), (true, None));
    let effect = health.record_of(Finder::Agent, Outcome::new(OK), 0);
    assert_eq!(effect.now, Some(Operation::Running));
    let effect = health.record_of(Finder::Agent, Outcome::new(Status::L4Connection), 0);
    assert_eq!(
        (effect.now, health.progress_of(Finder::Agent)),
        (None, (1, 1, "UP"))
    );
}

#[test]
fn a_server_that_comes_up_starts_slowly() {
    let mut health = new(1, 1).with_slow_start(1000);
    assert_eq!(health.warmth(0), None);
    health.record(Outcome::new(NO), 0);
    let effect = health.record(Outcome::new(OK), 100);
    assert_eq!(effect.now, Some(Operation::Starting));
    let warmth = [100, 109, 600, 1099, 1100, 9999].map(|now| health.warmth(now));
    assert_eq!(warmth, [1, 1, 50, 99, 100, 100].map(Some));
    assert!(health.set_operation(Operation::Running, 1100));
}

#[test]
fn errors_of_live_traffic() {
    use crate::server::OnError;
    let fully_up = || Health::new(2, 3, 4, Operation::Running);
    let after = |on_error| {
        let mut health = fully_up();
        assert_eq!(health.traffic_failed("x", 2, on_error), None);
        health.traffic_succeeded();
        assert_eq!(health.traffic_failed("x", 2, on_error), None);
        let outcome = health.traffic_failed("y", 2, on_error);
        let effect = outcome.map(|outcome| health.record(outcome, 0).now);
        (health.counter(), effect, health.take_hurry())
    };
    assert_eq!(after(OnError::FastInterval), (4, None, true));
    assert_eq!(after(OnError::FailCheck), (3, Some(None), true));
    assert_eq!(after(OnError::SuddenDeath), (2, Some(None), true));
    assert_eq!(
        after(OnError::MarkDown),
        (0, Some(Some(Operation::Stopped)), true)
    );
    let text = fully_up().traffic_failed("y.", 1, OnError::FailCheck);
    assert_eq!(
        text.map(|outcome| outcome.to_string()),
        Some("reason: Health analyze, info: \"Detected 1 consecutive errors, last one was: y.\", check duration: 0ms".into())
    );
}

#[test]
fn numbers_of_state_files() {
    for number in 0..=20 {
        let status = Status::of_number(number);
        assert_eq!(status.is_none(), matches!(number, 2 | 14), "{number}");
    }
    for number in 0..=3 {
        let operation = Operation::of_number(number).map(Operation::number);
        assert_eq!(operation, Some(number));
    }
}

#[test]
fn reasons() {
    let outcome = Outcome {
        status: Status::L7Status,
        code: 503,
        info: Some((*b"a\"b<c>\t\x80").into()),
        duration: Duration::from_micros(2999),
    };
    assert_eq!(
        outcome.to_string(),
        "reason: Layer7 wrong status, code: 503, info: \"a<22>b<3C>c<3E><09><80>\", check duration: 2ms"
    );
    assert_eq!(
        Outcome::new(Status::L4Ok).to_string(),
        "reason: Layer4 check passed, check duration: 0ms"
    );
}
