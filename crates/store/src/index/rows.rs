//! What an event of a log is in the tables, and how values get there and back.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::event::{Event, RunId, Side, UnitId, UnitResult};
use crate::log::LineSpan;
use crate::outcome::{Origin, Outcome};

/// Takes one event in. All that the index knows comes through here, whether the
/// event is being written or read back.
pub(super) fn apply(
    connection: &Connection,
    run: &RunId,
    event: &Event,
    span: LineSpan,
) -> rusqlite::Result<()> {
    match event {
        Event::RunStarted(head) => connection
            .prepare_cached(
                "INSERT INTO runs (id, started_at, charmproof, command, targets, candidate,
                                   subjects, read_to)
                 VALUES (?1, ?2, ?3, ?4, '[]', '[]', 0, 0) ON CONFLICT DO NOTHING",
            )?
            .execute(params![run.0, nanoseconds(head.at), head.charmproof, json(&head.command)])
            .map(drop),
        Event::Planned(plan) => {
            let candidate: Vec<&str> = plan.candidate.iter().map(|swap| swap.spec.as_str()).collect();
            let subjects = plan.subjects.iter().filter(|subject| subject.filtered.is_none()).count();
            connection
                .prepare_cached("UPDATE runs SET targets = ?2, candidate = ?3, subjects = ?4 WHERE id = ?1")?
                .execute(params![run.0, json(&plan.targets), json(&candidate), to_sql(subjects as u64)])
                .map(drop)
        }
        Event::UnitFinished(result) => insert_unit(connection, run, result, span),
        Event::RunFinished { at, ending } => connection
            .prepare_cached("UPDATE runs SET ending = ?2, finished_at = ?3 WHERE id = ?1")?
            .execute(params![run.0, json(ending), nanoseconds(*at)])
            .map(drop),
        Event::RunResumed { .. } => connection
            .prepare_cached("UPDATE runs SET ending = NULL, finished_at = NULL WHERE id = ?1")?
            .execute([&run.0])
            .map(drop),
        Event::UnitStarted { .. } | Event::Warned { .. } => Ok(()),
    }
}

pub(super) fn insert_unit(
    connection: &Connection,
    run: &RunId,
    result: &UnitResult,
    span: LineSpan,
) -> rusqlite::Result<()> {
    let UnitId { subject, target, side, attempt } = &result.unit;
    connection
        .prepare_cached(
            "INSERT INTO units (run, subject, target, side, attempt, inputs, outcome, reusable,
                                ran, reused, offset, length, duration_ms, memory_peak, started_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT DO UPDATE SET
                inputs = excluded.inputs, outcome = excluded.outcome,
                reusable = excluded.reusable, ran = excluded.ran, reused = excluded.reused,
                offset = excluded.offset, length = excluded.length,
                duration_ms = excluded.duration_ms, memory_peak = excluded.memory_peak,
                started_at = excluded.started_at
             WHERE excluded.offset >= units.offset",
        )?
        .execute(params![
            run.0,
            subject.0,
            target,
            Side::word(*side),
            attempt,
            result.inputs,
            json(&result.outcome),
            may_be_reused(result),
            result.outcome.origin() == Origin::Suite,
            result.reused_from.is_some(),
            to_sql(span.offset),
            to_sql(span.length),
            to_sql(result.duration_ms),
            result.memory_peak_bytes.map(to_sql),
            nanoseconds(result.started_at),
        ])
        .map(drop)
}

/// Whether a result may stand in for another. One without inputs stands for
/// nothing.
pub(super) fn may_be_reused(result: &UnitResult) -> bool {
    !result.inputs.is_empty() && Outcome::is_reusable(result.outcome)
}

pub(super) fn read_to(connection: &Connection, run: &RunId, end: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE runs SET read_to = max(read_to, ?2) WHERE id = ?1")?
        .execute(params![run.0, to_sql(end)])
        .map(drop)
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("lists and plain enums are always JSON")
}

pub(super) fn list(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn from_sql(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

pub(super) fn moment(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::UNIX_EPOCH)
}
