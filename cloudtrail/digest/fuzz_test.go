package digest

import (
	"crypto/x509"
	"strings"
	"testing"
)

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(`{"digestStartTime":"2026-11-21T00:01:31Z","digestEndTime":"2026-11-21T01:01:31Z","digestS3Bucket":"b","digestS3Object":"k","digestPublicKeyFingerprint":"FF","previousDigestSignature":null,"logFiles":[]}`))
	f.Add([]byte(`{"digestStartTime":"2026-11-21T00:01:31Z","digestEndTime":"2026-11-21T01:01:31Z","digestS3Bucket":"b","digestS3Object":"k","digestPublicKeyFingerprint":"ff","previousDigestS3Bucket":"b","previousDigestS3Object":"j","previousDigestHashValue":"00","previousDigestSignature":"ab","logFiles":[{"s3Bucket":"b","s3Object":"l","hashValue":"00","hashAlgorithm":"SHA-256"}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := parseDocument(src)
		if err != nil {
			return
		}
		if !d.start.Before(d.end) {
			t.Errorf("got a digest from %s to %s, want a start before its end", d.start, d.end)
		}
		if lines := strings.Split(d.signed, "\n"); len(lines) < 4 {
			t.Errorf("got %d signed lines, want 4", len(lines))
		}
		if d.previous != nil && d.previous.signature == "" && !strings.HasSuffix(d.signed, "\n") {
			t.Error("got an empty previous signature that is signed as something else")
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add([]byte(`{"ContentType":"application/json","Metadata":{"signature":"ab","signature-algorithm":"SHA256withRSA"}}`))
	f.Add([]byte(`{"Metadata":null}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		if m, err := parseMetadata(src); err != nil && m != (metadata{}) {
			t.Errorf("got %+v with error %v, want nothing", m, err)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"PublicKeyList":[{"Value":"AAAA","Fingerprint":"ff","ValidityStartTime":1453076702.0,"ValidityEndTime":"2026-11-21T00:00:00Z"}]}`))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		keys, err := ParseKeys(src)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("got %d keys and error %v, want one or the other", len(keys), err)
		}
		for fingerprint, k := range keys {
			if k.RSA == nil || fingerprint == "" {
				t.Errorf("got key %q without content", fingerprint)
				continue
			}
			x509.MarshalPKCS1PublicKey(k.RSA)
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("a/AWSLogs/o-exampleorgid/111122223333/CloudTrail-Digest/us-east-1/2026/11/21/111122223333_CloudTrail-Digest_us-east-1_my_trail_us-east-1_20261121T010131Z_backfill.json.gz")
	f.Add("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/21/111122223333_CloudTrail-Digest_us-east-1_t_eu-west-3_20261121T010131Z.json.gz")
	f.Fuzz(func(t *testing.T, path string) {
		n, ok := parseName(path)
		if !ok {
			return
		}
		if !strings.HasPrefix(path, n.top+"AWSLogs/") || !strings.Contains(path, "_"+n.trail+"_"+string(n.home)+"_"+n.end.Format(keyTime)) {
			t.Errorf("got %+v from %q, want parts of it", n, path)
		}
	})
}
