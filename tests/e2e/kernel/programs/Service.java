import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** A service: answers. */
class Service {
  public static void main(String[] arguments) throws Exception {
    String[] listen = System.getenv("LISTEN").split(":");
    var address = new InetSocketAddress(listen[0], Integer.parseInt(listen[1]));
    HttpServer server = HttpServer.create(address, 0);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          String parent = exchange.getRequestHeaders().getFirst("traceparent");
          String line = "{\"message\": \"answered\", \"path\": \"%s\", \"traceparent\": \"%s\"}";
          System.out.println(line.formatted(path, parent == null ? "" : parent));
          System.out.println("INFO answered " + path);
          byte[] body = "done".getBytes();
          exchange.sendResponseHeaders(path.equals("/fail") ? 500 : 200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }
}
