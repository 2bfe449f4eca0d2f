import {connection as chat} from './chat.js';
import {connection as echo} from './echo.js';
import {connection as ticker} from './ticker.js';

const connections = [chat, echo, ticker];
setInterval(() => connections.forEach((each) => each.show()), 250);

// When the network or the page is back, waiting longer helps nobody.
const connectAtOnce = () => connections.forEach((each) => each.connectAtOnce());
addEventListener('online', connectAtOnce);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) connectAtOnce();
});
