import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

/** A service that answers each request with a price; Prices is the document's. */
class App {
    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/price", exchange -> {
            byte[] body = String.valueOf(Prices.price(3)).getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
