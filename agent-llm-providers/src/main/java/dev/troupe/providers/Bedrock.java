package dev.troupe.providers;

import java.util.function.Supplier;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;

/**
 * Models of Amazon Bedrock, by its Converse API. Needs {@code dev.langchain4j:langchain4j-bedrock}.
 * The AWS SDK signs and encodes; it sends nothing by itself and tries nothing again.
 */
public final class Bedrock {
  private static final String NAME = "aws.bedrock";
  private static final String ARTIFACT = "langchain4j-bedrock";

  private Bedrock() {}

  /**
   * A model in the region that the AWS SDK finds, in {@code AWS_REGION} or its profile. With {@link
   * Preset#apiKey(Supplier)} that key of Bedrock is sent; without, requests are signed with the
   * credentials that the SDK finds, which may change while the process runs.
   *
   * @param model its id, or that of an inference profile
   * @return the preset
   */
  public static Preset model(String model) {
    return new Preset(
        new Kind(NAME, ARTIFACT, preset -> BedrockModels.build(preset, null, null)), model);
  }

  /**
   * A model in a region.
   *
   * @param model its id, or that of an inference profile
   * @param region such as {@code eu-central-1}
   * @return the preset
   */
  public static Preset model(String model, String region) {
    return new Preset(
        new Kind(NAME, ARTIFACT, preset -> BedrockModels.build(preset, region, null)), model);
  }

  /**
   * A model in a region, with credentials of one's own.
   *
   * @param model its id, or that of an inference profile
   * @param region such as {@code eu-central-1}
   * @param credentials asked at each request
   * @return the preset
   */
  public static Preset model(String model, String region, AwsCredentialsProvider credentials) {
    return new Preset(
        new Kind(NAME, ARTIFACT, preset -> BedrockModels.build(preset, region, credentials)),
        model);
  }
}
