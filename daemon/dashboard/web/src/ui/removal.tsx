// The removal of an app: what goes is listed, and the person types the app's name. Nothing is removed at once.

import { useRef, useState } from "preact/hooks";
import { Failure, post, query, requestId } from "../api";
import { plural } from "../format";
import { type Loaded, useLoad } from "../load";
import { appApi, go, jobPath } from "../route";
import type { App, Job, RemovedObject } from "../types";
import { Icon } from "./icons";
import { Dialog, Problem } from "./parts";

function Objects({ title, objects, several }: { title: string; objects: RemovedObject[]; several: boolean }) {
  if (!objects.length) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul class="objects">
        {objects.map(({ object, cluster, stays }) => (
          <li key={`${cluster}/${object}`}><Icon name={stays ? "succeeded" : "removal"} size={13} />
            <span><code>{object}</code>{several && <span class="quiet"> in {cluster}</span>}{stays && <span class="quiet"> {stays}</span>}</span></li>
        ))}
      </ul>
    </div>
  );
}

/** Objects that go and those that stay. */
function Found({ objects }: { objects: RemovedObject[] }) {
  const several = new Set(objects.map((object) => object.cluster)).size > 1;
  const going = objects.filter((object) => !object.stays);
  const staying = objects.filter((object) => object.stays);
  return (
    <>
      {!objects.length && <p>Nothing of it is there. The removal then only ends its releases.</p>}
      <Objects title={`${plural(going.length, "object")} ${going.length === 1 ? "goes" : "go"}`} objects={going} several={several} />
      <Objects title={`${plural(staying.length, "object")} ${staying.length === 1 ? "stays" : "stay"}`} objects={staying} several={several} />
    </>
  );
}

const planOf = (app: App, data: boolean) => query(`${appApi(app)}/removal`, { data: data ? "true" : "" });

/** What a removal finds now, in a box that keeps its height. */
function PlanBox({ plan }: { plan: Loaded<{ objects: RemovedObject[] }> }) {
  const { data, failure, again } = plan;
  return (
    <div class="removal-list" aria-busy={!data} tabIndex={0} role="group" aria-label="What goes">
      {failure && <Problem failure={failure} again={again} />}
      {!data && !failure && <p class="quiet" role="status">Looking at what is there …</p>}
      {data && <Found objects={data.objects} />}
    </div>
  );
}

/** What a removal that waits would find now. */
export function RemovalPlan({ app, data }: { app: App; data: boolean }) {
  return <PlanBox plan={useLoad<{ objects: RemovedObject[] }>(planOf(app, data))} />;
}

/** `isPreview` means that the daemon lists the environment as a preview: its data goes in any case. A name says nothing. */
export function RemovalDialog(
  { app, withData = false, isPreview = false, onClose }:
  { app: App; withData?: boolean; isPreview?: boolean; onClose: () => void },
) {
  const [data, setData] = useState(withData || isPreview);
  const [name, setName] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Failure>();
  // One for each choice, made before it is sent: a double click and a lost answer are one job.
  const ids = useRef({ kept: requestId(), data: requestId() }).current;
  const plan = useLoad<{ objects: RemovedObject[] }>(planOf(app, data));
  const isKnown = !!plan.data;
  const isNamed = name.trim() === app.name;
  const remove = async () => {
    if (!isNamed || !isKnown || busy) return;
    setBusy(true);
    setTrouble(undefined);
    try {
      const body = { request_id: data ? ids.data : ids.kept, data, name: name.trim() };
      const job = await post<Job>(`${appApi(app)}/remove`, body);
      go(jobPath(job.id));
    } catch (error) {
      if (error instanceof Failure) setTrouble(error);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Remove ${app.name} from ${app.environment}?`} onClose={onClose}>
      <PlanBox plan={plan} />
      {isPreview
        ? <p class="quiet">A preview's data goes with it. The next push makes the preview again.</p>
        : <label class="check"><input type="checkbox" checked={data} onChange={(event) => setData(event.currentTarget.checked)} /> Delete volume claims too, with all that they hold</label>}
      <p class="quiet">Releases do not come back by a rollback. Images and their tags stay in the registry.</p>
      <form class="typed" onSubmit={(event) => { event.preventDefault(); void remove(); }}>
        <label for="typed-name">Type <b>{app.name}</b> to remove it</label>
        <input id="typed-name" autocomplete="off" spellcheck={false} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        {trouble && <Problem failure={trouble} />}
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>Leave it</button>
          <button type="submit" class="danger" disabled={busy || !isNamed || !isKnown}>{busy ? "Sending …" : "Remove app"}</button>
        </div>
      </form>
    </Dialog>
  );
}
