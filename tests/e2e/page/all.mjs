// All tests in their order: the first one has a login link that is good for a minute, the last four end what the others
// look at: jobs that wait, a canary, a preview, the live job.

import "./login.mjs";
import "./pushed.mjs";
import "./lists.mjs";
import "./job.mjs";
import "./live.mjs";
import "./own.mjs";
import "./rights.mjs";
import "./accessible.mjs";
import "./screenshots.mjs";
import "./approve.mjs";
import "./canary.mjs";
import "./remove.mjs";
import "./cancel.mjs";
