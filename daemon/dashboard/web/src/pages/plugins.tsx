// Plugins with what they may, for operators.

import { useEffect } from "preact/hooks";
import { plural } from "../format";
import { useLoad } from "../load";
import { title } from "../title";
import type { Plugin } from "../types";
import { Badge, Command, Empty, Problem, Skeleton } from "../ui/parts";

const list = (name: string, items: string[]) => items.length > 0 && (
  <div class="fact"><dt>{name}</dt><dd>{items.map((item) => <span class="line" key={item}>{item}</span>)}</dd></div>
);

export function PluginsPage() {
  const { data, failure, again } = useLoad<Plugin[]>("/api/plugins");
  useEffect(() => title("Plugins"), []);
  if (!data) return failure ? <Problem failure={failure} again={again} /> : <Skeleton />;
  return (
    <div class="page">
      <div class="page-head"><h1>Plugins</h1><span class="quiet">in the order in which they are asked</span></div>
      {!data.length && <Empty title="No plugin is loaded"><p>Name them in the daemon's configuration, then:</p><Command>windlass plugin reload</Command></Empty>}
      <div class="cards">
        {data.map((plugin) => (
          <article class="card" key={plugin.name}>
            <header><h3>{plugin.name}</h3> <span class="tag">{plugin.world}</span> <span class="quiet">{plugin.version}</span></header>
            {plugin.disabled && <p><Badge state="degraded" text="Disabled" /> {plugin.disabled}</p>}
            <dl>
              {list("May", plugin.grants)}
              {list("Not granted", plugin.not_granted)}
              {list("Did", plugin.used.slice(0, 5))}
              <div class="fact"><dt>Calls</dt><dd>{plural(plugin.calls, "call")}{plugin.failures > 0 && `, ${plural(plugin.failures, "failure")}`}</dd></div>
              <div class="fact"><dt>Digest</dt><dd><code title={plugin.digest}>{plugin.digest.slice(0, 19)}</code></dd></div>
            </dl>
          </article>
        ))}
      </div>
    </div>
  );
}
