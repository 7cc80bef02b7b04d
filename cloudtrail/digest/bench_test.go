package digest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"time"

	"crypto/sha256"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// BenchmarkVerify measures a chain of one day with logs of realistic size with
// one worker, beside inflating the same logs with compress/gzip. Figures are
// inflated bytes.
func BenchmarkVerify(b *testing.B) {
	var logs [][]byte
	var inflated int64
	random := rand.New(rand.NewPCG(1, 2))
	c := digesttest.Chain{Hours: 24}
	c.LogsOf = func(start, end time.Time) []digesttest.Log {
		var out []digesttest.Log
		for n := range 4 {
			content := records(random, start, 1500)
			inflated += int64(len(content))
			logs = append(logs, digesttest.Gzip(content))
			out = append(out, digesttest.Log{Object: c.LogKey(start.Hour(), n), Sum: sha256.Sum256(content), Gzip: logs[len(logs)-1]})
		}
		return out
	}
	files, _, err := c.Files(signer())
	if err != nil {
		b.Fatal(err)
	}
	fsys := fstest.MapFS{}
	for path, data := range files {
		fsys[path] = &fstest.MapFile{Data: data}
	}
	b.Run("Verify", func(b *testing.B) {
		b.SetBytes(inflated)
		keys := publicKeys(b)
		for b.Loop() {
			r, err := digest.Verify(b.Context(), fsys, digest.Options{Keys: keys, Workers: 1})
			if err != nil || r.Digests.Valid != 24 || r.Logs.Valid != len(logs) {
				b.Fatalf("got %+v, %v, want all valid", r, err)
			}
		}
	})
	b.Run("compress/gzip alone", func(b *testing.B) {
		b.SetBytes(inflated)
		r := new(gzip.Reader)
		buf := make([]byte, 256<<10)
		for b.Loop() {
			for _, l := range logs {
				if err := r.Reset(bytes.NewReader(l)); err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// records is a log file of n events that compresses about as well as real ones.
func records(random *rand.Rand, at time.Time, n int) []byte {
	out := []byte(`{"Records":[`)
	names := []string{"DescribeInstances", "GetCallerIdentity", "AssumeRole", "ListBuckets", "GetObject", "Decrypt"}
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:%x","arn":"arn:aws:sts::111122223333:assumed-role/role-%d/%x","accountId":"111122223333","accessKeyId":"ASIA%016X","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/role-%d","accountId":"111122223333","userName":"role"},"attributes":{"creationDate":%q,"mfaAuthenticated":"false"}}},"eventTime":%q,"eventSource":"ec2.amazonaws.com","eventName":%q,"awsRegion":"us-east-1","sourceIPAddress":"192.0.2.%d","userAgent":"aws-sdk-go-v2/1.30 os/linux lang/go","requestParameters":{"id":"%x"},"responseElements":null,"requestID":"%x-%x","eventID":"%x-%x","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`,
			random.Uint32(), i%9, random.Uint32(), random.Uint64(), i%9, at.Format(time.RFC3339), at.Add(time.Duration(i)*time.Second).Format(time.RFC3339),
			names[random.IntN(len(names))], random.IntN(255), random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
	}
	return append(out, `]}`...)
}
