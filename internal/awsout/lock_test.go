package awsout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/awsout"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
	"github.com/rootkeep/rootkeep/ledger"
)

// client is an administrator's of S3.
func client(t *testing.T) *sdk.Client {
	t.Helper()
	loaded, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	return sdk.NewFromConfig(loaded, func(o *sdk.Options) { o.UsePathStyle = true })
}

func (w *world) locker(mode func(*awsout.LockConfig)) *awsout.Locker {
	w.t.Helper()
	c := awsout.LockConfig{
		Config: awsout.Config{Region: "eu-west-1"}, Bucket: "anchors", Prefix: "keep/", Name: func(n int64) string { return fmt.Sprintf("%020d.checkpoint", n) },
		Retention: 48 * time.Hour, Now: time.Now,
	}
	if mode != nil {
		mode(&c)
	}
	l, err := awsout.OpenLock(w.t.Context(), c)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func newBucket(t *testing.T, lock bool) *world {
	w := newWorld(t)
	if _, err := client(t).CreateBucket(t.Context(), &sdk.CreateBucketInput{
		Bucket: aws.String("anchors"), ObjectLockEnabledForBucket: &lock, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestACheckpointIsLockedInItsBucket(t *testing.T) {
	w := newBucket(t, true)
	l := w.locker(nil)
	for _, size := range []int64{9, 10, 250} {
		version, err := l.Put(t.Context(), ledger.Checkpoint{Origin: "keep", Size: size}, fmt.Appendf(nil, "checkpoint of %d", size))
		if err != nil || len(version) == 0 {
			t.Fatalf("%d: got version %q, %v", size, version, err)
		}
		if size == 10 {
			_, err := client(t).DeleteObject(t.Context(), &sdk.DeleteObjectInput{
				Bucket: aws.String("anchors"), Key: aws.String("keep/00000000000000000010.checkpoint"), VersionId: aws.String(string(version)),
			})
			if err == nil || !strings.Contains(err.Error(), "object lock") {
				t.Errorf("a locked version was deleted: %v", err)
			}
		}
	}
	var got []string
	held, err := l.Held(t.Context(), 9)
	for _, text := range held {
		got = append(got, string(text))
	}
	if diff := cmp.Diff([]string{"checkpoint of 10", "checkpoint of 250"}, got); err != nil || diff != "" {
		t.Errorf("after 9: %v\n%s", err, diff)
	}
	if held, err := l.Held(t.Context(), -1); err != nil || len(held) != 3 {
		t.Errorf("all: got %d, %v, want 3", len(held), err)
	}
}

func TestABucketWithoutObjectLockIsRefused(t *testing.T) {
	w := newBucket(t, false)
	_, err := w.locker(nil).Put(t.Context(), ledger.Checkpoint{Origin: "keep", Size: 1}, []byte("checkpoint"))
	if err == nil || !strings.Contains(err.Error(), "needs Object Lock") {
		t.Errorf("got %v, want a refusal with a hint", err)
	}
	if n := len(s3.Objects(w.Cloud, "anchors")); n != 0 {
		t.Errorf("got %d objects, want none", n)
	}
}

func TestOnlyTheOperationsThatAreNamedAreCalled(t *testing.T) {
	w := newBucket(t, true)
	w.ResetRequests()
	l := w.locker(func(c *awsout.LockConfig) { c.Governance = true })
	if _, err := l.Put(t.Context(), ledger.Checkpoint{Origin: "keep", Size: 3}, []byte("checkpoint")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Held(t.Context(), -1); err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for _, r := range w.Requests() {
		calls[r.Service+":"+r.Operation] += r.Calls
	}
	if diff := cmp.Diff(map[string]int{"s3:PutObject": 1, "s3:ListObjectsV2": 1, "s3:GetObject": 1}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	want := []string{"securityhub:BatchImportFindings", "s3:PutObject", "s3:PutObjectRetention", "s3:ListBucket", "s3:GetObject", "ses:SendEmail", "ses:SendRawEmail", "sns:Publish"}
	if diff := cmp.Diff(want, awsout.Operations()); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}
