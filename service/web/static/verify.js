// Verifying an event in this browser: bytes to leaf, path to root, root to signature.
// RFC 6962 and C2SP signed notes; the hashes and the signature are checked by @noble, which needs no
// secure context, so this also works over plain http in a local network.

import { sha256 } from "./vendor/noble-hashes/sha2.js";
import { hashes, verify } from "./vendor/noble-ed25519/index.js";
import { sha512 } from "./vendor/noble-hashes/sha2.js";

hashes.sha512 = sha512;

const text = new TextEncoder();

const bytes = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
const base64 = (data) => btoa(String.fromCharCode(...data));
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const same = (one, other) => one.length === other.length && one.every((each, at) => each === other[at]);
const node = (left, right) => sha256(joined(Uint8Array.of(1), left, right));

class Refused extends Error {}

// RFC 9162, section 2.1.3.2.
function climbed(leaf, index, size, proof) {
  let position = index;
  let last = size - 1;
  let folded = leaf;
  for (const sibling of proof) {
    if (last === 0) throw new Refused("The path has more hashes than a tree of this size.");
    if (position % 2 === 1 || position === last) {
      folded = node(sibling, folded);
      while (position % 2 === 0 && position !== 0) { position = Math.floor(position / 2); last = Math.floor(last / 2); }
    } else {
      folded = node(folded, sibling);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new Refused("The path has fewer hashes than a tree of this size.");
  return folded;
}

function opened(note, verifier) {
  const split = note.lastIndexOf("\n\n");
  const signed = note.slice(0, split + 1);
  const [name, id, key] = verifier.split("+");
  const rest = verifier.slice(name.length + 1 + id.length + 1);
  const data = bytes(rest);
  if (data[0] !== 1 || data.length !== 33) throw new Refused("The key is no Ed25519 key.");
  const wanted = sha256(joined(text.encode(`${name}\n`), data)).slice(0, 4);
  for (const line of note.slice(split + 2).trimEnd().split("\n")) {
    const [dash, who, blob] = line.split(" ");
    if (dash !== "—" || who !== name) continue;
    const signature = bytes(blob);
    if (!same(signature.slice(0, 4), wanted)) continue;
    if (!verify(signature.slice(4), text.encode(signed), data.slice(1))) throw new Refused("The signature is not of this checkpoint.");
    const [origin, size, root] = signed.split("\n");
    if (origin !== name) throw new Refused("The checkpoint is of another log than the key.");
    return { size: Number(size), root: bytes(root), key: `${name}+${id}` };
  }
  throw new Refused(`No signature of ${name}+${id} stands under the checkpoint.`);
}

async function asked(path) {
  const response = await fetch(path, { cache: "no-store" });
  const found = await response.json();
  if (!response.ok) throw new Refused(found.detail ?? `The server answers ${response.status}.`);
  return found;
}

// `said(kind, sentence)` hears of each step that holds; the one that does not is thrown.
export async function check(event, said = () => {}) {
  const proof = await asked(`/v1/events/${event}/proof`);
  const leaf = sha256(joined(Uint8Array.of(0), text.encode(proof.entry)));
  if (JSON.parse(proof.entry).id !== event) throw new Refused("The bytes are those of another event.");
  if (!same(leaf, bytes(proof.leaf_hash))) {
    throw new Refused(`The event's bytes hash to ${base64(leaf)}, and the log has ${proof.leaf_hash}: they were changed.`);
  }
  said("ok", `The ${proof.entry.length} characters of the event hash to its leaf, ${proof.leaf_hash}.`);
  const root = climbed(leaf, proof.index, proof.size, proof.proof.map(bytes));
  if (!same(root, bytes(proof.root))) {
    throw new Refused(`The path leads to ${base64(root)}, and the log's root is ${proof.root}.`);
  }
  said("ok", `A path of ${proof.proof.length} hashes leads from leaf ${proof.index} to the root over ${proof.size} events, ${proof.root}.`);
  if (proof.checkpoint === null) throw new Refused("No checkpoint covers this event: whoever runs the server has made no key.");
  const key = await asked("/v1/log/key");
  const checkpoint = opened(proof.checkpoint, key.verifier_key);
  if (checkpoint.size !== proof.size || !same(checkpoint.root, root)) {
    throw new Refused("The checkpoint is signed, but of another tree than the path leads to.");
  }
  said("ok", `The root is signed by ${checkpoint.key}.`);
  said("ok", "Verified here. Compare the key with one that reached you by another way, and keep the checkpoint: it shows any later change.");
}

function told(steps, kind, sentence) {
  const item = document.createElement("li");
  item.className = kind;
  item.textContent = sentence;
  steps.append(item);
}

// Each button names its event, and by `aria-controls` the list of its steps.
for (const button of document.querySelectorAll("button[data-event]")) {
  const steps = document.getElementById(button.getAttribute("aria-controls"));
  button.closest(".needs-script").hidden = false;
  button.addEventListener("click", async () => {
    steps.replaceChildren();
    button.disabled = true;
    try {
      await check(button.dataset.event, (kind, sentence) => told(steps, kind, sentence));
    } catch (error) {
      told(steps, "bad", error instanceof Refused ? error.message : `It could not be checked: ${error.message}`);
    } finally {
      button.disabled = false;
      button.focus();
    }
  });
}
