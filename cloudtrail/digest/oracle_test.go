package digest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// TestOpenSSLAgrees verifies digests with the openssl command over the four
// lines that AWS signs, and expects the same judgement.
func TestOpenSSLAgrees(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: the outside check of signatures did not run")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	run(t, openssl, "rsa", "-RSAPublicKey_in", "-inform", "DER", "-in", write(t, dir, "key.der", signer().DER()), "-pubout", "-out", key)
	for _, tc := range []struct {
		name   string
		tamper func(b *trail, path string)
	}{
		{"a digest as it was signed", func(*trail, string) {}},
		{"a digest with a changed hash of a log", func(b *trail, path string) {
			b.files[path] = digesttest.Gzip([]byte(strings.Replace(string(b.inflated(path)), `"hashValue":"`, `"hashValue":"0`, 1)))
		}},
		{"a digest with another end", func(b *trail, path string) {
			b.files[path] = digesttest.Gzip([]byte(strings.Replace(string(b.inflated(path)), "01:31Z", "01:32Z", 1)))
		}},
		{"a signature with one bit flipped", func(b *trail, path string) {
			b.editMetadata(path, func(m map[string]string) {
				raw, _ := hex.DecodeString(m["signature"])
				raw[100] ^= 1
				m["signature"] = hex.EncodeToString(raw)
			})
		}},
	} {
		for hour := range 2 { // the first digest signs the word null
			t.Run(fmt.Sprintf("%s, hour %d", tc.name, hour), func(t *testing.T) {
				b := &trail{t: t, files: map[string][]byte{}}
				c := digesttest.Chain{Hours: hour + 1, Logs: 1}
				b.add(c)
				path := c.DigestPath(hour)
				tc.tamper(b, path)
				r := verify(t, b, digest.Options{Keys: publicKeys(t), Valid: true})
				got := r.Chains[0].Verdicts[0].Status == digest.Valid
				want := opensslVerifies(t, openssl, key, b.inflated(path), b.files[path+digest.SidecarSuffix])
				if got != want {
					t.Errorf("got valid=%v (%+v), openssl says %v", got, r.Chains[0].Verdicts[0], want)
				}
			})
		}
	}
}

// opensslVerifies builds the signed text from the digest by itself.
func opensslVerifies(t *testing.T, openssl, key string, body, sidecar []byte) bool {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal(body, &d); err != nil {
		t.Fatal(err)
	}
	previous := "null"
	if s, ok := d["previousDigestSignature"].(string); ok {
		previous = s
	}
	sum := sha256.Sum256(body)
	text := fmt.Sprintf("%s\n%s/%s\n%s\n%s", d["digestEndTime"], d["digestS3Bucket"], d["digestS3Object"], hex.EncodeToString(sum[:]), previous)
	var head struct{ Metadata map[string]string }
	if err := json.Unmarshal(sidecar, &head); err != nil {
		t.Fatal(err)
	}
	signature, err := hex.DecodeString(head.Metadata["signature"])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(openssl, "dgst", "-sha256", "-verify", key, "-signature", write(t, dir, "signature", signature), write(t, dir, "text", []byte(text)))
	return cmd.Run() == nil
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
