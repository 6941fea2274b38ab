//! The screen that people see of a job, from its events.

use super::{
    Detail,
    board::{Board, Room},
    line::Line,
    scenes::{START_MS, Scene, all, job},
    screen::timed,
    time::Clock,
};
use crate::snapshots::same;
use windlass_engine::ports::store::Recorded;
use windlass_model::{
    event::{Event, examples},
    job::Stage,
    text::is_obeyed,
};
use windlass_proto::v1;

const ROOM: Room = Room { width: 100, height: 24 };

fn board(detail: Detail) -> Board {
    Board::new(job(), detail, Clock::utc())
}

fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| line.show(false) + "\n").collect()
}

/// Returns all that stays, where nothing moves.
fn plain(scene: &Scene, detail: Detail) -> String {
    let mut board = board(detail);
    let mut all = String::new();
    for event in &scene.events {
        let lines = board.take(event);
        all.push_str(&text(&timed(&lines, &Clock::utc().time(board.last_ms()))));
    }
    all
}

/// Returns the terminal as it is a second after these events.
fn pictures(scene: &Scene, after: &[u64], room: Room) -> String {
    let mut all = String::new();
    for seq in after {
        let mut board = board(Detail::default());
        let events = scene.events.iter().filter(|event| event.seq <= *seq);
        let kept: Vec<_> = events.flat_map(|event| board.take(event)).collect();
        let now_ms = board.last_ms().max(START_MS) + 1000;
        let live = board.live(now_ms, 1, room);
        all.push_str(&format!("--- after event {seq}\n{}{}", text(&kept), text(&live)));
    }
    all
}

#[test]
fn each_way_of_a_job_reads_as_it_should() {
    for (name, scene, looks) in all() {
        same(&format!("{name}.plain"), &plain(&scene, Detail::default()));
        same(&format!("{name}.terminal"), &pictures(&scene, &looks, ROOM));
    }
}

#[test]
fn more_is_shown_where_more_is_wanted() {
    let of = |verbose, events| Detail { verbose, events };
    for (name, scene, _) in all() {
        if matches!(name, "first" | "clusters" | "failing-test") {
            same(&format!("{name}.verbose"), &plain(&scene, of(true, false)));
            same(&format!("{name}.events"), &plain(&scene, of(false, true)));
        }
    }
}

#[test]
fn a_narrow_terminal_cuts_lines_and_a_low_one_leaves_some_out() {
    let room = Room { width: 40, height: 3 };
    let (_, scene, looks) = all().into_iter().next().unwrap();
    let shown = pictures(&scene, &looks, room);
    same("first.narrow", &shown);
    let mut board = board(Detail::default());
    for event in &scene.events {
        let _ = board.take(event);
        let live = board.live(board.last_ms(), 0, room);
        assert!(live.len() < room.height);
        assert!(live.iter().all(|line| line.show(false).chars().count() < room.width));
    }
}

#[test]
fn colours_help_and_change_no_word() {
    let (_, scene, _) = all().into_iter().find(|(name, ..)| *name == "crash").unwrap();
    let mut board = board(Detail::default());
    let lines: Vec<_> = scene.events.iter().flat_map(|event| board.take(event)).collect();
    let colored: String = lines.iter().map(|line| line.show(true) + "\n").collect();
    same("crash.colors", &colored.replace('\u{1b}', "ESC"));
    let stripped = anstream::adapter::strip_str(&colored).to_string();
    let stripped: Vec<_> = stripped.lines().map(str::trim_end).collect();
    assert_eq!(stripped, text(&lines).lines().collect::<Vec<_>>());
}

/// Journals of older daemons hold what a terminal obeys, and a daemon may be anybody's.
#[test]
fn no_text_of_an_event_drives_the_terminal() {
    let hostile = "\u{1b}]52;c;cm0=\u{7}\u{1b}[2J\u{1b}[31m\u{9b}2Ja\u{202e}b\u{2066}\rc\u{7f}\u{200b}\u{feff}";
    let mut shown_somewhere = 0;
    for event in examples::all().iter().flat_map(|event| examples::with_each_text(event, hostile)) {
        let mut all = String::new();
        for detail in [Detail::default(), Detail { verbose: true, events: true }] {
            let mut board = board(detail);
            for stage in [Stage::Build, Stage::Test, Stage::Release] {
                let _ = board.take(&sent(1, Event::Started(stage)));
            }
            all.push_str(&text(&board.take(&sent(2, event.clone()))));
            all.push_str(&text(&board.live(board.last_ms() + 1000, 1, ROOM)));
            let older = v1::Event { sentence: String::new(), ..sent(2, event.clone()) };
            all.push_str(&text(&crate::out::plain(&crate::show::event(&older))));
        }
        assert!(!all.contains(is_obeyed), "{all:?} of {event:?}");
        shown_somewhere += usize::from(all.contains("\\u{1b}]52;"));
    }
    assert!(shown_somewhere >= 25, "{shown_somewhere}");
}

fn sent(seq: u64, event: Event) -> v1::Event {
    windlass_api::event(Recorded { seq, at_ms: START_MS, event })
}

/// A job that has ended draws nothing more, and one whose beginning nobody watched shows no wrong time.
#[test]
fn what_is_not_known_is_not_shown() {
    let (_, scene, _) = all().into_iter().next().unwrap();
    let mut board = board(Detail::default());
    let late = scene.events.iter().filter(|event| event.seq > 20);
    let lines: Vec<_> = late.flat_map(|event| board.take(event)).collect();
    let shown = text(&lines);
    assert!(shown.contains("SUCCEEDED: shop/web/production"), "{shown}");
    assert!(!shown.contains("build"), "{shown}");
    assert!(board.live(board.last_ms(), 0, ROOM).is_empty());
}

/// An event of a newer daemon has nothing but its sentence.
#[test]
fn an_unknown_event_is_shown_where_more_is_wanted() {
    let event = v1::Event { seq: 1, sentence: "10 % of the traffic".into(), ..Default::default() };
    let shown = |events| {
        let mut board = board(Detail { verbose: false, events });
        text(&board.take(&event))
    };
    assert_eq!(shown(true), "         10 % of the traffic\n");
    assert_eq!(shown(false), "");
}
