// Package hunttest makes trails for tests of hunts, in folders and in simulated buckets.
package hunttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Bucket is what Upload fills.
const Bucket = "trail-logs"

var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// telling are base events that rules match, or that say what is watched.
var telling = []string{
	"root-signin", "root-create-access-key", "stop-logging", "create-user", "attach-user-policy", "list-users-denied",
	"create-trail", "log-bucket-deleted", "delete-detector",
}

// Trail is a made-up trail of two accounts and three days, in a folder as CloudTrail lays
// it out: quiet events between telling ones, some delivered twice, some without a time or
// with an odd ID, and an object that is damaged.
func Trail(t testing.TB, objects int) (folder string) {
	t.Helper()
	bases, err := rule.LoadBases(content.Files, "events")
	check(t, err)
	folder = t.TempDir()
	chance := rand.New(rand.NewPCG(7, 11))
	var before []byte
	for i := range objects {
		account, day := []string{"111122223333", "444455556666"}[i%2], monday.AddDate(0, 0, i%3)
		var list []map[string]any
		for j := range 25 {
			p := rule.Patch{Base: "user-describe-instances", Set: map[string]any{
				"recipientAccountId": account, "eventName": "DescribeInstanceStatus", "userIdentity.accessKeyId": "ASIAEXAMPLEEXAMPLE00", "userIdentity.type": "AssumedRole",
			}}
			if chance.IntN(5) == 0 {
				p = rule.Patch{Base: telling[chance.IntN(len(telling))], Set: map[string]any{"recipientAccountId": account}}
			}
			e, err := p.Apply(bases)
			check(t, err)
			e["eventTime"], e["eventID"] = day.Add(time.Duration(i*25+j)*time.Minute).Format(time.RFC3339), fmt.Sprintf("%08x-0000-4000-8000-%012x", i, j)
			switch chance.IntN(40) {
			case 0:
				e["eventTime"] = "yesterday"
			case 1:
				e["eventID"] = "odd"
			case 2:
				e["awsRegion"] = "eu-\u00fc\u2028"
			}
			list = append(list, e)
		}
		text, err := json.Marshal(map[string]any{"Records": list})
		check(t, err)
		body := digesttest.Gzip(text)
		if i%9 == 8 {
			body = before // delivered twice
		}
		before = body
		if i == objects/2 {
			body = body[:len(body)/2]
		}
		dir := filepath.Join(folder, "AWSLogs", account, "CloudTrail", "us-east-1", day.Format("2006/01/02"))
		check(t, os.MkdirAll(dir, 0o755))
		check(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s_CloudTrail_us-east-1_%s_%016d.json.gz", account, day.Format("20060102T1504Z"), i)), body, 0o644))
	}
	return folder
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Upload puts a folder into a simulated bucket that the environment leads to.
func Upload(t *testing.T, folder string) {
	t.Helper()
	simtest.Start(t, 3, nil)
	c, err := config.LoadDefaultConfig(t.Context())
	check(t, err)
	client := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(Bucket)})
	check(t, err)
	check(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(Bucket), Key: aws.String(filepath.ToSlash(key)), Body: bytes.NewReader(body)})
		return err
	}))
}

var wallTimes = regexp.MustCompile(`"(started|finished)": "[^"]*"`)

// Text is a report as JSON, without the times of the hunt, and with the paths of a folder
// as they are in the bucket.
func Text(t testing.TB, h *report.Hunt, folder string) string {
	t.Helper()
	var b strings.Builder
	check(t, report.JSON(&b, h))
	return wallTimes.ReplaceAllString(strings.ReplaceAll(b.String(), folder, "s3://"+Bucket), `"$1": ""`)
}
