package dev.troupe.providers;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.langchain4j.model.bedrock.BedrockChatModel;
import dev.langchain4j.model.bedrock.BedrockStreamingChatModel;
import dev.troupe.llm.LlmProvider;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.client.config.SdkAdvancedAsyncClientOption;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.regions.providers.DefaultAwsRegionProviderChain;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.bedrockruntime.BedrockRuntimeAsyncClient;
import software.amazon.awssdk.services.bedrockruntime.BedrockRuntimeClient;

/** The models of Bedrock and their clients; apart, for hosts that do not have the AWS SDK. */
final class BedrockModels {
  private BedrockModels() {}

  /** A null region or null credentials are what the SDK finds. */
  static LlmProvider build(
      Preset preset, @Nullable String region, @Nullable AwsCredentialsProvider credentials) {
    Supplier<String> key = preset.key();
    AwsWire wire = new AwsWire(preset, new Key("Authorization", "Bearer ", key));
    Region at = region == null ? found() : Region.of(region);
    AwsCredentialsProvider found =
        key != null
            ? AnonymousCredentialsProvider.create()
            : credentials != null ? credentials : DefaultCredentialsProvider.builder().build();
    AwsCredentialsProvider own = new Here(found);
    return new HttpProvider(
        preset,
        new HttpProvider.Models(
            BedrockChatModel.builder()
                .client(client(preset, at, own, wire))
                .modelId(preset.model())
                .returnThinking(true)
                .supportedCapabilities(preset.capabilities(false))
                .maxRetries(0)
                .build(),
            BedrockStreamingChatModel.builder()
                .client(streaming(preset, at, own, wire))
                .modelId(preset.model())
                .returnThinking(true)
                .build(),
            BedrockModels::said));
  }

  /** Asks for credentials on the calling thread, however their provider would like to do it. */
  private record Here(AwsCredentialsProvider from) implements AwsCredentialsProvider {
    @Override
    public AwsCredentials resolveCredentials() {
      return from.resolveCredentials();
    }
  }

  /** Errors within a stream, which only the SDK can read. */
  private static boolean said(Call call, Throwable error) {
    for (Throwable one = error; one != null; one = one.getCause()) {
      if (one instanceof AwsServiceException said) {
        AwsErrorDetails details = said.awsErrorDetails();
        String type = details == null ? one.getClass().getSimpleName() : details.errorCode();
        String words = details == null ? "" : details.errorMessage();
        call.refused(
            status(type, said.statusCode()),
            type,
            JsonNodeFactory.instance.objectNode().put("message", words).toString());
        return true;
      }
    }
    return false;
  }

  /** In a stream the status was sent before the error was known. */
  private static int status(String type, int status) {
    return status >= 400
        ? status
        : switch (type.toLowerCase(Locale.ROOT).replace("exception", "")) {
          case "throttling" -> 429;
          case "serviceunavailable", "modelnotready" -> 503;
          case "validation" -> 400;
          case "modeltimeout" -> 408;
          default -> 500;
        };
  }

  private static Region found() {
    try {
      return DefaultAwsRegionProviderChain.builder().build().getRegion();
    } catch (SdkClientException e) {
      throw new IllegalStateException(
          "aws.bedrock needs a region: name it, as in Bedrock.model(model, \"eu-central-1\"), or"
              + " set the environment variable AWS_REGION",
          e);
    }
  }

  private static BedrockRuntimeClient client(
      Preset preset, Region region, AwsCredentialsProvider credentials, AwsWire wire) {
    return BedrockRuntimeClient.builder()
        .region(region)
        .endpointOverride(preset.endpoint())
        .credentialsProvider(credentials)
        .httpClient(wire)
        .overrideConfiguration(config -> config.retryStrategy(DefaultRetryStrategy.doNotRetry()))
        .build();
  }

  private static BedrockRuntimeAsyncClient streaming(
      Preset preset, Region region, AwsCredentialsProvider credentials, AwsWire wire) {
    return BedrockRuntimeAsyncClient.builder()
        .region(region)
        .endpointOverride(preset.endpoint())
        .credentialsProvider(credentials)
        .httpClient(wire)
        .asyncConfiguration(
            async ->
                async.advancedOption(
                    SdkAdvancedAsyncClientOption.FUTURE_COMPLETION_EXECUTOR, Runnable::run))
        .overrideConfiguration(config -> config.retryStrategy(DefaultRetryStrategy.doNotRetry()))
        .build();
  }
}
