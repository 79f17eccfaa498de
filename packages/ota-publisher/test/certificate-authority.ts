import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate and its key, as paths of PEM files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that signs certificates in a folder. */
export interface Authority extends Certificate {
  /**
   * Signs a certificate.
   *
   * @param name - Of the files, and the subject.
   * @param altNames - As OpenSSL writes them: `DNS:localhost,IP:127.0.0.1`.
   * @param days - Validity from now; below 0 it has expired.
   */
  sign(name: string, altNames: string, days?: number): Certificate;
}

/** Makes an authority with OpenSSL; its certificate is signed by itself. */
export function createAuthority(folder: string, name = "ca"): Authority {
  const run = (...args: readonly string[]): void => runOpenssl(args, folder);
  const pathsOf = (file: string): Certificate => ({
    cert: join(folder, `${file}.pem`),
    key: join(folder, `${file}.key`),
  });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  const authority = pathsOf(name);
  run(
    ...["req", "-x509", ...curve, "-keyout", authority.key, "-out", authority.cert, "-days", "2"],
    ...["-subj", `/CN=${name}`, "-addext", "basicConstraints=critical,CA:TRUE"],
  );
  return {
    ...authority,
    sign: (file, altNames, days = 2) => {
      const { cert, key } = pathsOf(file);
      const [request, extensions] = [join(folder, `${file}.csr`), join(folder, `${file}.ext`)];
      writeFileSync(extensions, `subjectAltName=${altNames}\nbasicConstraints=CA:FALSE\n`);
      run("req", "-new", ...curve, "-keyout", key, "-out", request, "-subj", `/CN=${file}`);
      run(
        ...["x509", "-req", "-in", request, "-CA", authority.cert, "-CAkey", authority.key, "-CAcreateserial"],
        ...["-extfile", extensions, "-days", String(days), "-out", cert],
      );
      return { cert, key };
    },
  };
}

const OPENSSL = "openssl";

/** Runs `openssl` in a folder; throws if it fails. */
export function runOpenssl(args: readonly string[], folder?: string): void {
  execFileSync(OPENSSL, args, { cwd: folder, stdio: "ignore" });
}

/** Whether `openssl` is installed. */
export function hasOpenssl(): boolean {
  try {
    runOpenssl(["version"]);
    return true;
  } catch {
    return false;
  }
}
