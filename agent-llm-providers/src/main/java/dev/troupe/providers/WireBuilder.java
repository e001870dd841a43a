package dev.troupe.providers;

import dev.langchain4j.http.client.HttpClient;
import dev.langchain4j.http.client.HttpClientBuilder;
import java.time.Duration;

/** Gives LangChain4j's builders the wire that is there; its times are those of each call. */
record WireBuilder(Wire wire) implements HttpClientBuilder {
  private static final Duration NOT_USED = Duration.ofMinutes(1);

  @Override
  public Duration connectTimeout() {
    return NOT_USED;
  }

  @Override
  public HttpClientBuilder connectTimeout(Duration timeout) {
    return this;
  }

  @Override
  public Duration readTimeout() {
    return NOT_USED;
  }

  @Override
  public HttpClientBuilder readTimeout(Duration timeout) {
    return this;
  }

  @Override
  public HttpClient build() {
    return wire;
  }
}
