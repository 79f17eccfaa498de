import com.hivemq.embedded.EmbeddedExtension;
import com.hivemq.embedded.EmbeddedHiveMQ;
import com.hivemq.extension.sdk.api.ExtensionMain;
import com.hivemq.extension.sdk.api.auth.SimpleAuthenticator;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartOutput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopOutput;
import com.hivemq.extension.sdk.api.services.Services;
import java.nio.file.Path;

/** Starts HiveMQ Community Edition with an extension that admits every client, as its distribution has one. */
public final class HiveMqBroker {
  public static void main(String[] folders) {
    var everybody = EmbeddedExtension.builder().withId("everybody").withName("everybody").withVersion("1")
        .withAuthor("tinybms").withExtensionMain(new Everybody()).build();
    EmbeddedHiveMQ.builder().withConfigurationFolder(Path.of(folders[0])).withDataFolder(Path.of(folders[1]))
        .withExtensionsFolder(Path.of(folders[2])).withEmbeddedExtension(everybody).build().start().join();
  }

  private static final class Everybody implements ExtensionMain {
    @Override
    public void extensionStart(ExtensionStartInput input, ExtensionStartOutput output) {
      SimpleAuthenticator authenticator = (connect, result) -> result.authenticateSuccessfully();
      Services.securityRegistry().setAuthenticatorProvider(client -> authenticator);
    }

    @Override
    public void extensionStop(ExtensionStopInput input, ExtensionStopOutput output) {}
  }
}
