// SPDX-License-Identifier: EUPL-1.2
import { say } from "./sentences.js";

const PATIENCE = 30000; // ms, longer than the server's own
const TROUBLES = { 400: "refused", 413: "long", 503: "busy", 504: "late" };

export async function ask(path, body) {
  const how = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/simulator/${path}`, { ...how, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok) throw Object.assign(new Error(answer.statusText), { status: answer.status });
  return answer.json();
}

export const troubleIn = (trouble) => say[TROUBLES[trouble.status] ?? "away"];

// randomUUID is missing where the page is served without https.
export function number() {
  return Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(16).padStart(8, "0")).join("");
}
