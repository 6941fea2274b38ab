// The login: a token once, or a link that stands for one. The browser keeps a cookie that no script can read.

import { useEffect, useRef, useState } from "preact/hooks";
import { Failure, me, post, query } from "../api";
import { go } from "../route";
import { title } from "../title";
import { Mark } from "../ui/icons";
import { Problem } from "../ui/parts";

/** Returns where to go after the login: only within this page. */
function target(): string {
  const to = new URLSearchParams(location.search).get("to") ?? "/";
  return to.startsWith("/") && !to.startsWith("//") && !to.startsWith("/login") ? to : "/";
}

export function LoginPage() {
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const enter = async (proof: { token: string } | { code: string }) => {
    const to = target();
    setBusy(true);
    setFailure(undefined);
    try {
      await post("/login", proof);
      me.value = undefined;
      go(to, true);
    } catch (error) {
      if (error instanceof Failure) setFailure(error);
      setBusy(false);
      field.current?.select();
    }
  };
  useEffect(() => {
    title("Log in");
    const fields = new URLSearchParams(location.search);
    const code = fields.get("code");
    if (code) {
      // A link that was used shall not stay in the history. The page that it leads to is no secret.
      history.replaceState(null, "", query("/login", { to: fields.get("to") }));
      void enter({ code });
    } else {
      field.current?.focus();
    }
  }, []);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const token = field.current?.value.trim();
    if (token) void enter({ token });
    else field.current?.focus();
  };
  return (
    <main class="alone">
      <form class="card login" onSubmit={submit}>
        <div class="brand"><Mark /><span>Windlass</span></div>
        <h1>Log in</h1>
        <label for="token">Token</label>
        <input id="token" ref={field} type="password" autocomplete="current-password" spellcheck={false}
          required aria-describedby="token-help" />
        <p id="token-help" class="quiet">The token that the command line uses: the operator hands it out.</p>
        {failure && <Problem failure={failure} />}
        <button type="submit" class="primary" disabled={busy}>{busy ? "Logging in …" : "Log in"}</button>
      </form>
    </main>
  );
}
