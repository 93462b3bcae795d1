// The list of services: every page needs it, for the global pause, the clock and the connection.

import { api, type Overview } from "./client";
import { Live } from "./live.svelte";

export const overview = new Live<Overview>(() => api.overview());
