// Metrics of a release: the last value of each with its bounds, and the values before it.

import { clock, plural } from "../format";
import type { Metric } from "../types";
import { Badge, word } from "../ui/parts";
import type { Measurement, TrafficView } from "./traffic";

const number = (value: number) => value.toLocaleString(undefined, { maximumSignificantDigits: 6 });

const valueOf = ({ value }: Measurement) => (value === null ? "—" : number(value));

function bounds({ min, max }: Metric): string {
  const parts = [min !== null && `at least ${number(min)}`, max !== null && `at most ${number(max)}`];
  return parts.filter(Boolean).join(", ");
}

/** How many measurements may go wrong. */
export function tolerance({ failures, inconclusive }: Metric): string {
  const out = failures ? `out of its bounds more than ${plural(failures, "time")}` : "out of its bounds";
  const none = inconclusive ? `without a value more than ${plural(inconclusive, "time")} in a row` : "without a value";
  return `${out}, ${none}, or not once within its bounds in a hold`;
}

function Last({ all, name }: { all: Measurement[]; name: string }) {
  return (
    <details>
      <summary>{all.length === 1 ? "The measurement" : `The last ${all.length} measurements`}</summary>
      <table class="measurements">
        <caption class="visually-hidden">Last measurements of {name}</caption>
        <thead><tr><th scope="col">When</th><th scope="col">Value</th><th scope="col">Result</th></tr></thead>
        <tbody>
          {all.map((one) => (
            <tr key={one.seq}>
              <td><time dateTime={new Date(one.at * 1000).toISOString()}>{clock(one.at)}</time></td>
              <td class="num">{valueOf(one)}</td>
              <td>{word(one.result)}{one.detail && <span class="quiet"> {one.detail}</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

export function Measurements({ traffic }: { traffic: TrafficView }) {
  const metrics = traffic.strategy?.metrics ?? [];
  if (!metrics.length) return null;
  const measured = [...traffic.measured.values()];
  const several = new Set(measured.map((all) => all[0]?.cluster)).size > 1;
  return (
    <div>
      <h3>Metrics</h3>
      <ul class="metrics" aria-label="Metrics">
        {metrics.flatMap((metric) => {
          const found = measured.filter((all) => all[0]?.metric === metric.name);
          // A metric without a measurement has one row, too.
          const rows: Measurement[][] = found.length ? found : [[]];
          return rows.map((all) => {
            const [last] = all;
            return (
              <li key={`${last?.cluster ?? ""} ${metric.name}`}>
                <p class="metric">
                  <b>{metric.name}</b>{several && last && <span class="quiet">in {last.cluster}</span>}
                  {last ? <><span class="num">{valueOf(last)}</span><Badge state={last.result} /></> : <span class="quiet">not measured yet</span>}
                  <span class="quiet">{bounds(metric)}</span>
                </p>
                {last && <Last all={all} name={metric.name} />}
              </li>
            );
          });
        })}
      </ul>
    </div>
  );
}
