// A service that answers each request with a price; cart.js is the document's.
const http = require("http");
const { price } = require("./cart.js");

const server = http
  .createServer((request, response) => response.end(String(price(3))))
  .listen(Number(process.env.PORT), "127.0.0.1");

// The agent listens for the signal too, so that Node itself does not end the program.
process.on("SIGTERM", () => server.close());
