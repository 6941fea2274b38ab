//! Meaning of an answer of Prometheus' HTTP API to an instant query.

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Age of a sample from which on it says nothing about the release. Prometheus dates each value of an expression by the
/// time of the request, and looks back as far as that says: an older sample comes from a cache, or from a clock that is
/// wrong.
const OLDEST: Duration = Duration::from_secs(300);

/// Most characters of an answer that a fault keeps. It is shortened further once it is masked.
const KEPT: usize = 4 << 10;

/// The reason why an answer has no meaning for a release. The texts are not masked yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server is overloaded or partly away. This may pass.
    Away(String),
    /// The server answers, and the expression has to change, or the configuration.
    Refused(String),
}

/// Form of each answer, whatever its status.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// `success` or `error`.
    status: String,
    #[serde(default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    data: Value,
}

/// Returns the number that an answer has. `None` means that there is none: no series, NaN, an infinite number, or one of
/// long ago. `now` is the time since 1970.
pub(crate) fn value(status: StatusCode, body: &[u8], now: Duration) -> Result<Option<f64>, Fault> {
    // By the protocol these pass, whatever the body says.
    let may_pass = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
    let fault = |why| if may_pass { Fault::Away(why) } else { Fault::Refused(why) };
    match serde_json::from_slice::<Answer>(body) {
        Ok(answer) if answer.status == "error" => {
            let Answer { error_type, error, .. } = answer;
            Err(fault(kept(&format!("{error_type}: {error}"))))
        }
        Ok(answer) if answer.status == "success" && status.is_success() => {
            result(&answer.data, now)
        }
        _ => {
            let text = kept(&String::from_utf8_lossy(body));
            Err(fault(format!("{status}, and no answer of a Prometheus: {text}")))
        }
    }
}

/// Returns the number of a result.
fn result(data: &Value, now: Duration) -> Result<Option<f64>, Fault> {
    let result = data.get("result").unwrap_or(&Value::Null);
    match (data.get("resultType").and_then(Value::as_str), result.as_array()) {
        (Some("scalar"), Some(_)) => sample(result, now),
        (Some("vector"), Some(series)) => match series.as_slice() {
            [] => Ok(None),
            [one] if one.get("histogram").is_some() => Err(Fault::Refused(
                "the expression has a native histogram, one number is needed: use `histogram_quantile`"
                    .into(),
            )),
            [one] => sample(one.get("value").unwrap_or(&Value::Null), now),
            many => Err(Fault::Refused(format!(
                "the expression has {} series, one is needed: aggregate it",
                many.len()
            ))),
        },
        (Some(kind @ ("matrix" | "string")), _) => Err(Fault::Refused(format!(
            "the expression has a result of the type `{kind}`, one number is needed"
        ))),
        _ => Err(odd(data)),
    }
}

/// Returns the number of a sample, which is a pair of a time and a text.
fn sample(sample: &Value, now: Duration) -> Result<Option<f64>, Fault> {
    let (at, number) = pair(sample).ok_or_else(|| odd(sample))?;
    let is_late = now.as_secs_f64() - at > OLDEST.as_secs_f64();
    Ok(Some(number).filter(|number| number.is_finite() && !is_late))
}

fn pair(sample: &Value) -> Option<(f64, f64)> {
    let [at, number] = sample.as_array()?.as_slice() else { return None };
    Some((at.as_f64()?, number.as_str()?.parse().ok()?))
}

fn odd(part: &Value) -> Fault {
    Fault::Refused(format!("no answer of a Prometheus: {}", kept(&part.to_string())))
}

fn kept(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Duration = Duration::from_millis(1_800_000_000_500);

    fn of(result_type: &str, result: Value) -> Result<Option<f64>, Fault> {
        let data = json!({ "resultType": result_type, "result": result });
        let body = json!({ "status": "success", "data": data, "warnings": ["slow"] });
        value(StatusCode::OK, body.to_string().as_bytes(), NOW)
    }

    fn series(at: f64, number: &str) -> Value {
        json!({ "metric": { "job": "a" }, "value": [at, number] })
    }

    fn refused(answer: Result<Option<f64>, Fault>) -> String {
        match answer {
            Err(Fault::Refused(why)) => why,
            other => panic!("it is not refused: {other:?}"),
        }
    }

    #[test]
    fn one_series_or_a_scalar_is_a_value() {
        for (text, number) in [("99.5", 99.5), ("-0.25", -0.25), ("1e+06", 1e6), ("0", 0.0)] {
            assert_eq!(of("vector", json!([series(1_800_000_000.5, text)])), Ok(Some(number)));
            assert_eq!(of("scalar", json!([1_800_000_000, text])), Ok(Some(number)));
        }
    }

    #[test]
    fn nothing_and_what_is_no_number_have_no_value() {
        assert_eq!(of("vector", json!([])), Ok(None));
        for text in ["NaN", "+Inf", "-Inf"] {
            assert_eq!(of("vector", json!([series(1_800_000_000.0, text)])), Ok(None), "{text}");
            assert_eq!(of("scalar", json!([1_800_000_000, text])), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_sample_of_five_minutes_ago_counts_and_an_older_one_does_not() {
        assert_eq!(of("vector", json!([series(1_799_999_700.5, "1")])), Ok(Some(1.0)));
        assert_eq!(of("vector", json!([series(1_799_999_700.0, "1")])), Ok(None));
        assert_eq!(of("vector", json!([series(0.0, "1")])), Ok(None));
        // The server's clock is ahead: nothing is known to be late.
        assert_eq!(of("vector", json!([series(1_800_009_999.0, "1")])), Ok(Some(1.0)));
    }

    #[test]
    fn what_is_not_one_number_is_refused() {
        let two = json!([series(1.0, "1"), series(1.0, "2")]);
        let expected = "the expression has 2 series, one is needed: aggregate it";
        assert_eq!(refused(of("vector", two)), expected);
        let histogram = json!([{ "metric": {}, "histogram": [1, { "count": "1" }] }]);
        assert!(refused(of("vector", histogram)).contains("native histogram"));
        assert!(refused(of("matrix", json!([]))).contains("type `matrix`"));
        assert!(refused(of("string", json!([1, "x"]))).contains("type `string`"));
    }

    #[test]
    fn an_answer_of_another_form_is_refused_and_quoted() {
        for result in [
            json!({}),
            json!([{ "metric": {} }]),
            json!([{ "value": [1] }]),
            json!([{ "value": [1, 2] }]),
            json!([{ "value": ["1", "2"] }]),
            json!([{ "value": [1, "many"] }]),
            json!([7]),
        ] {
            let why = refused(of("vector", result.clone()));
            assert!(why.starts_with("no answer of a Prometheus: "), "{result}: {why}");
        }
        for body in ["", "null", "[]", "{}", "{\"status\":\"success\"}", "<html>login</html>"] {
            let why = refused(value(StatusCode::OK, body.as_bytes(), NOW));
            assert!(why.contains("no answer of a Prometheus"), "{body}: {why}");
        }
        let deep = "[".repeat(100_000);
        assert!(refused(value(StatusCode::OK, deep.as_bytes(), NOW)).len() < 5000);
    }

    #[test]
    fn an_error_is_quoted_and_may_pass_only_by_its_status() {
        let body =
            json!({ "status": "error", "errorType": "bad_data", "error": "1:5: parse error" });
        let body = body.to_string();
        let of = |status: u16| value(StatusCode::from_u16(status).unwrap(), body.as_bytes(), NOW);
        for status in [200, 400, 422] {
            assert_eq!(refused(of(status)), "bad_data: 1:5: parse error", "{status}");
        }
        for status in [429, 500, 503] {
            assert_eq!(of(status), Err(Fault::Away("bad_data: 1:5: parse error".into())));
        }
        for status in [302, 401, 404] {
            let why = refused(value(StatusCode::from_u16(status).unwrap(), b"no", NOW));
            assert!(why.contains(&status.to_string()) && why.ends_with(": no"), "{why}");
        }
        let good = json!({ "status": "success", "data": { "resultType": "vector", "result": [] } });
        let why = value(StatusCode::BAD_GATEWAY, good.to_string().as_bytes(), NOW);
        assert!(matches!(why, Err(Fault::Away(_))), "{why:?}");
    }
}
