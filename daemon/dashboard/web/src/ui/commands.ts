// Commands that put again what a project brought. What is secret is a file of whoever types them.

import type { OwnCluster, Registry, RegistryAccount } from "../types";

/** Returns a text as one word of a shell. */
const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function login(option: string, account: RegistryAccount | null): string[] {
  if (!account) return [];
  if (!account.plugin) return [`--${option}-user`, word(account.user), `--${option}-password-file`, "FILE"];
  const { settings } = account;
  const has = settings !== null && Object.keys(settings).length > 0;
  // Whoever leaves the secrets out puts the registry without them.
  const secret = [`--${option}-secret`, "NAME=FILE"];
  return [`--${option}-plugin`, word(account.plugin), ...(has ? [`--${option}-settings`, "FILE"] : []), ...secret];
}

export function putRegistry({ project, host, images, push, pull }: Registry): string {
  const place = images ? ["--images", word(images)] : [];
  return ["windlass registry put", project, word(host), ...place, ...login("push", push), ...login("pull", pull)].join(" ");
}

export function putCluster({ project, name, environments, pod_security }: OwnCluster): string {
  const all = environments.flatMap((one) => ["--environment", one]);
  const level = pod_security === "baseline" ? [] : ["--pod-security", pod_security];
  return ["windlass cluster put", project, name, "--kubeconfig FILE", ...all, ...level].join(" ");
}
