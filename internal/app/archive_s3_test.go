package app

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/hunttest"
)

func TestABucketIsHuntedThroughLikeAFolder(t *testing.T) {
	dir := hunttest.Trail(t, 36)
	hunttest.Upload(t, dir)
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
			if diff := cmp.Diff(hunttest.Text(t, a, dir), hunttest.Text(t, b, dir)); diff != "" {
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
