// A service: answers, and asks the next one first.
const http = require("node:http");

const next = process.env.NEXT;
const [address, port] = process.env.LISTEN.split(":");

http
  .createServer((request, response) => {
    const answer = (status) => {
      const received = { path: request.url, traceparent: request.headers.traceparent ?? "" };
      process.stdout.write(JSON.stringify({ message: "answered", ...received }) + "\n");
      process.stdout.write(`INFO answered ${request.url}\n`);
      response.writeHead(status);
      response.end("done");
    };
    const own = request.url === "/fail" ? 500 : 200;
    if (!next) {
      answer(own);
      return;
    }
    // Over a new connection: before Linux 6.4, Beyla does not write into those that are open already.
    http
      .get(next + request.url, { agent: false }, (called) => {
        called.resume();
        called.on("end", () => answer(Math.max(own, called.statusCode)));
      })
      .on("error", () => answer(502));
  })
  .listen(Number(port), address);
