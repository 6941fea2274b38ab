// All tests in their order: the first one has a login link that is good for a minute, the last one ends the live job.

import "./login.mjs";
import "./pushed.mjs";
import "./lists.mjs";
import "./job.mjs";
import "./live.mjs";
import "./rights.mjs";
import "./accessible.mjs";
import "./screenshots.mjs";
import "./cancel.mjs";
