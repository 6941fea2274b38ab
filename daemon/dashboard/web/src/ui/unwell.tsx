// Endpoints of a project that take no messages: why, since when, and what mends it.

import { clock } from "../format";
import type { UnwellEndpoint } from "../types";
import { Icon } from "./icons";
import { Ago, Command } from "./parts";

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

export function Unwell({ project, all }: { project: string; all: UnwellEndpoint[] }) {
  return (
    <>{all.map(({ name, health, why, since }) => (
      <section class="card notice amber unwell" key={name}>
        <Icon name="warning" />
        <div>
          <h2>Endpoint {name} {health === "disabled" ? "is off" : "takes no messages"}</h2>
          <p>{sentence(why)}{since && <> It has taken none since {clock(since)} (<Ago at={since} />).</>}</p>
          {health === "disabled" && (
            <>
              <p>Once it is mended, send what it missed. The first success turns it on.</p>
              <Command>{`windlass outbox replay ${project} --dead --receiver ${name}`}</Command>
            </>
          )}
        </div>
      </section>
    ))}</>
  );
}
