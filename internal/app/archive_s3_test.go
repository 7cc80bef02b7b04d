package app

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
	aws3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/report"
)

// trailFolder is a made-up trail of two accounts and three days, as CloudTrail lays it
// out: quiet events between telling ones, some delivered twice, and an object that is
// damaged.
func trailFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	chance := rand.New(rand.NewPCG(7, 11))
	telling := []string{"root-signin", "root-create-access-key", "stop-logging", "create-user", "attach-user-policy", "list-users-denied", "create-trail", "log-bucket-deleted", "delete-detector"}
	var before []map[string]any
	for i := range 36 {
		account, day := []string{"111122223333", "444455556666"}[i%2], monday.AddDate(0, 0, i%3)
		var steps []step
		for j := range 25 {
			s := step{base: "user-describe-instances", at: day.Sub(monday) + time.Duration(j)*time.Minute, set: map[string]any{"recipientAccountId": account}}
			if chance.IntN(5) == 0 {
				s.base = telling[chance.IntN(len(telling))]
			}
			steps = append(steps, s)
		}
		list := records(t, i, steps...)
		if i%9 == 8 {
			list = before // delivered twice
		}
		before = list
		text, err := json.Marshal(map[string]any{"Records": list})
		if err != nil {
			t.Fatal(err)
		}
		body := digesttest.Gzip(text)
		if i == 20 {
			body = body[:len(body)/2]
		}
		folder := filepath.Join(dir, "AWSLogs", account, "CloudTrail", "us-east-1", day.Format("2006/01/02"))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%s_CloudTrail_us-east-1_%s_%016d.json.gz", account, day.Format("20060102T1504Z"), i)
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// uploaded puts a folder into a simulated bucket that the environment leads to.
func uploaded(t *testing.T, dir string) {
	t.Helper()
	simtest.Start(t, 3, nil)
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := aws3.NewFromConfig(c, func(o *aws3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &aws3.CreateBucketInput{Bucket: aws.String("trail-logs")}); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, _ := filepath.Rel(dir, path)
		_, err = client.PutObject(t.Context(), &aws3.PutObjectInput{Bucket: aws.String("trail-logs"), Key: aws.String(filepath.ToSlash(key)), Body: bytes.NewReader(body)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var wallTimes = regexp.MustCompile(`"(started|finished)": "[^"]*"`)

// reportOf is a hunt as JSON, without its times and with paths as they are in a bucket.
func reportOf(t *testing.T, h *report.Hunt, dir string) string {
	t.Helper()
	var b strings.Builder
	if err := report.JSON(&b, h); err != nil {
		t.Fatal(err)
	}
	return wallTimes.ReplaceAllString(strings.ReplaceAll(b.String(), dir, "s3://trail-logs"), `"$1": ""`)
}

func TestABucketIsHuntedThroughLikeAFolder(t *testing.T) {
	dir := trailFolder(t)
	uploaded(t, dir)
	for name, c := range map[string]HuntConfig{
		"all of it":   {},
		"one account": {Accounts: []rootkeep.AccountID{"444455556666"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Workers = 1 // of an event that came twice, the first is named
			local, remote := c, c
			local.Paths, remote.Paths = []string{dir + "/AWSLogs"}, []string{"s3://trail-logs/AWSLogs"}
			a, b := hunted(t, local), hunted(t, remote)
			if len(c.Accounts) > 0 { // objects of the other were not even listed
				a.Totals.Objects, a.Totals.StoredBytes, a.Totals.InflatedBytes = b.Totals.Objects, b.Totals.StoredBytes, b.Totals.InflatedBytes
				a.Totals.GzipObjects, a.Totals.GzipMembers = b.Totals.GzipObjects, b.Totals.GzipMembers
				a.Problems, a.Totals.Unread, a.Notices = b.Problems, b.Totals.Unread, b.Notices
			}
			if diff := cmp.Diff(reportOf(t, a, dir), reportOf(t, b, dir)); diff != "" {
				t.Errorf("the report (-folder +bucket):\n%s", diff)
			}
			if len(b.Alerts) == 0 || len(b.Sessions) == 0 {
				t.Errorf("%d alerts and %d sessions of root, want some", len(b.Alerts), len(b.Sessions))
			}
			if len(c.Accounts) == 0 && (b.Totals.Duplicates == 0 || b.Totals.Unread == 0) {
				t.Errorf("%d duplicates, %d unread, want some of both", b.Totals.Duplicates, b.Totals.Unread)
			}
		})
	}
}

func TestDigestsInABucketAreNotVerified(t *testing.T) {
	_, err := Hunt(t.Context(), HuntConfig{Paths: []string{"s3://trail-logs/AWSLogs"}, Keys: []string{"keys.json"}, Pack: shipped(t), Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "hint: aws s3 sync s3://trail-logs/AWSLogs FOLDER") {
		t.Errorf("got %v, want what to do instead", err)
	}
}
