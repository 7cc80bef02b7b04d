package digest_test

import (
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
)

// published is the key in the example of the AWS CLI's page on list-public-keys.
const published = `{"PublicKeyList": [{
	"ValidityStartTime": 1453076702.0, "ValidityEndTime": 1455668702.0,
	"Value": "MIIBCgKCAQEAlSS3cl92HDycr/MTj0moOhas8habjrraXw+KzlWF0axSI2tcF+3iJ9BKQAVSKxGwxwu3m0wG3J+kUl1xboEcEPHYoIYMbgfSw7KGnuDKwkLzsQWhUJ0cIbOHASox1vv/5fNXkrHhGbDCHeVXm804c83nvHUEFYThr1PfyP/8HwrCtR3FX5OANtQCP61C1nJtSSkC8JSQUOrIP4CuwJjc+4WGDk+BGH5m9iuiAKkipEHWmUl8/P7XpfpWQuk4h8g3pXZOrNXr08lbh4d39svj7UqdhvOXoBISp9t/EXYuePGEtBdrKD9Dz+VHwyUPtBQvYr9BnkF88qBnaPNhS44rzwIDAQAB"
	%s}]}`

func TestParseKeys(t *testing.T) {
	const fingerprint = "7f3f401420072e50a65a141430817ab3"
	stated := strings.Replace(published, "%s", `, "Fingerprint": "`+fingerprint+`"`, 1)
	inPEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: signer().DER()}))
	for _, tc := range []struct {
		name, src   string
		fingerprint string
		from        time.Time
		wantErr     string
	}{
		{name: "the published example", src: stated, fingerprint: fingerprint, from: time.Unix(1453076702, 0).UTC()},
		{name: "a key without a fingerprint gets the one CloudTrail computes", src: strings.Replace(published, "%s", "", 1), fingerprint: fingerprint, from: time.Unix(1453076702, 0).UTC()},
		{name: "times as text", src: string(signer().PublicKeys(day, day)), fingerprint: signer().Fingerprint(), from: day},
		{name: "a PEM file", src: "\n" + inPEM + inPEM, fingerprint: signer().Fingerprint()},
		{name: "an empty list", src: `{"PublicKeyList": []}`, wantErr: "PublicKeyList is empty"},
		{name: "another JSON document", src: `{"Keys": []}`, wantErr: "PublicKeyList is empty"},
		{name: "no JSON", src: "keys", wantErr: "list-public-keys"},
		{name: "a value that is not base64", src: `{"PublicKeyList": [{"Value": "%%"}]}`, wantErr: "PublicKeyList[0]"},
		{name: "a value that is no key", src: `{"PublicKeyList": [{"Value": "AAAA", "Fingerprint": "ff"}]}`, wantErr: `"ff"`},
		{name: "a time beyond all ages", src: `{"PublicKeyList": [{"ValidityEndTime": 1e300}]}`, wantErr: "1e300"},
		{name: "a PEM block of another type", src: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", wantErr: "CERTIFICATE"},
		{name: "half a PEM block", src: "-----BEGIN RSA PUBLIC KEY-----\nAAAA", wantErr: "no complete PEM block"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			keys, err := digest.ParseKeys([]byte(tc.src))
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("got error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			key, ok := keys[tc.fingerprint]
			if len(keys) != 1 || !ok {
				t.Fatalf("got %d keys, want one with fingerprint %s", len(keys), tc.fingerprint)
			}
			if !key.From.Equal(tc.from) {
				t.Errorf("got start of validity %v, want %v", key.From, tc.from)
			}
		})
	}
}
