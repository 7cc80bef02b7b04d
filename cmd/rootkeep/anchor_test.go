package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/rootkeep/rootkeep/internal/anchor"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// vault is a simulated account with a bucket, a ledger of three entries, and a file that
// has its head go to the bucket.
type vault struct {
	t         *testing.T
	store     string
	anchors   string // file
	client    *s3.Client
	answering bool        // else every request gets 403 AccessDenied
	stored    http.Header // of the last object that was put
}

func newVault(t *testing.T, lock bool) *vault {
	t.Helper()
	dir := t.TempDir()
	v := &vault{t: t, store: filepath.Join(dir, "rootkeep.db"), anchors: filepath.Join(dir, "anchors.yaml"), answering: true}
	v.simulate(filepath.Join(dir, "none"))
	loaded, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	v.client = s3.NewFromConfig(loaded, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := v.client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String("anchors-of-example"), ObjectLockEnabledForBucket: &lock,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}); err != nil {
		t.Fatal(err)
	}
	if err := makeLedger(dir, 3); err != nil {
		t.Fatal(err)
	}
	const places = "anchors:\n  - name: vault\n    object_lock: s3://anchors-of-example/keep\n    region: eu-west-1\n    retain_days: 400\n    mode: compliance\n  - name: paper\n    file: %s\n"
	held := filepath.Join(dir, "held")
	if err := os.Mkdir(held, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(v.anchors, fmt.Appendf(nil, places, held), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

// simulate starts the account, and sets what AWS's SDK reads from the environment.
func (v *vault) simulate(none string) {
	v.t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		v.t.Fatal(err)
	}
	a, err := c.AddAccount("111111111111", "alone", "alone@example.com", c.Now())
	if err != nil {
		v.t.Fatal(err)
	}
	u := &cloud.User{Holder: cloud.Holder{
		Name: "anchors", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/anchors"), Created: c.Now(), Inline: map[string]string{},
		Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}}
	a.Users["anchors"] = u
	u.Keys = []*cloud.AccessKey{c.NewKey(cloud.UserCaller(a, u), c.Now())}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !v.answering {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>no \u202e</Message></Error>") // the client may be gone
			return
		}
		if r.Method == http.MethodPut && r.URL.Query().Get("x-id") == "PutObject" {
			v.stored = r.Header.Clone()
		}
		c.ServeHTTP(w, r)
	}))
	v.t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": u.Keys[0].ID, "AWS_SECRET_ACCESS_KEY": u.Keys[0].Secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		v.t.Setenv(name, value)
	}
}

// run runs a command of rootkeep on the ledger.
func (v *vault) run(want int, args ...string) (out string) {
	v.t.Helper()
	var stdout, stderr bytes.Buffer
	if got := run(v.t.Context(), append(args, "--store", v.store), strings.NewReader(""), &stdout, &stderr); got != want {
		v.t.Fatalf("rootkeep %s: got %d, want %d\n%s%s", strings.Join(args, " "), got, want, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// place is the line of one place in the output of ledger anchor.
func place(t *testing.T, out, name string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, name+" (") {
			return line
		}
	}
	t.Fatalf("no line of %s in\n%s", name, out)
	return ""
}

func TestTheHeadIsLockedInABucket(t *testing.T) {
	v := newVault(t, true)
	out := v.run(0, "ledger", "anchor", "--anchors", v.anchors)
	if line := place(t, out, "vault"); !strings.HasPrefix(line, "vault (object-lock, s3://anchors-of-example/keep): 3 entries at ") || !strings.Contains(line, "0 entries since") {
		t.Errorf("got %s", line)
	}
	key := "keep/" + anchor.Name(3)
	head, err := v.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("anchors-of-example"), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	until, err := time.Parse(time.RFC3339, v.stored.Get("X-Amz-Object-Lock-Retain-Until-Date"))
	if in := time.Until(until); err != nil || v.stored.Get("X-Amz-Object-Lock-Mode") != "COMPLIANCE" || in < 399*24*time.Hour || in > 400*24*time.Hour {
		t.Errorf("locked as %v, want COMPLIANCE for 400 days", v.stored)
	}
	for _, bypass := range []bool{false, true} {
		if _, err := v.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String("anchors-of-example"), Key: &key, VersionId: head.VersionId, BypassGovernanceRetention: &bypass,
		}); err == nil || !strings.Contains(err.Error(), "object lock") {
			t.Errorf("a checkpoint that is locked: deleting gave %v, bypass %t", err, bypass)
		}
	}
	v.run(0, "ledger", "anchor", "--anchors", v.anchors) // has it already
	if out := v.run(0, "ledger", "verify", "--anchors", v.anchors); !strings.Contains(out, "holds      anchor vault (object-lock), 1 checkpoints") {
		t.Errorf("got %s", out)
	}
	if err := makeLedger(filepath.Dir(v.store), 2); err != nil {
		t.Fatal(err)
	}
	if line := place(t, v.run(0, "ledger", "anchor"), "vault"); !strings.Contains(line, "2 entries since") {
		t.Errorf("before it is anchored: got %s", line)
	}
	v.run(0, "ledger", "anchor", "--anchors", v.anchors)
	if out := v.run(0, "ledger", "verify", "--anchors", v.anchors); !strings.Contains(out, "holds      anchor vault (object-lock), 2 checkpoints, the newest of 5 entries") {
		t.Errorf("got %s", out)
	}
	bundle, keys := filepath.Join(t.TempDir(), "b.zip"), filepath.Join(t.TempDir(), "keys.txt")
	v.run(0, "ledger", "keys", "-o", keys)
	v.run(0, "evidence", "export", "--from", "2026-09-01", "--to", "2026-09-02", "-o", bundle)
	var told bytes.Buffer
	if code := run(t.Context(), []string{"verify", bundle, "--key", keys}, strings.NewReader(""), &told, io.Discard); code != 0 || !strings.Contains(told.String(), "anchor vault (object-lock), 5 entries") {
		t.Errorf("the bundle: got %d, %s", code, told.String())
	}
}

// What a bucket refuses is its state: the command says so, other places get the head,
// and the next try that goes well ends it.
func TestWhatABucketRefusesIsItsState(t *testing.T) {
	v := newVault(t, true)
	v.answering = false
	for tries := 1; tries <= 2; tries++ {
		out := v.run(4, "ledger", "anchor", "--anchors", v.anchors)
		line := place(t, out, "vault")
		if !strings.Contains(line, fmt.Sprintf("no checkpoint yet; failed %d times: ", tries)) || !strings.Contains(line, "AccessDenied") || !strings.Contains(line, "hint: allow s3:PutObject") || strings.Contains(line, "\u202e") {
			t.Errorf("try %d: got %q", tries, line)
		}
		if line := place(t, out, "paper"); !strings.Contains(line, "3 entries at") || strings.Contains(line, "failed") {
			t.Errorf("the other place: got %q", line)
		}
	}
	if line := place(t, v.run(0, "ledger", "anchor"), "vault"); !strings.Contains(line, "failed 2 times") {
		t.Errorf("the state later: got %q", line)
	}
	if out := v.run(4, "ledger", "verify", "--anchors", v.anchors); !strings.Contains(out, "unknown    anchor vault") {
		t.Errorf("a bucket that cannot be asked: got %s", out)
	}
	var list struct {
		ExitCodes []int `json:"exit_codes"`
		Anchors   []struct {
			Place, Kind, Failed string
			Behind, Failures    int64
		}
	}
	out := v.run(4, "ledger", "anchor", "--anchors", v.anchors, "--output", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.ExitCodes) != 1 || list.ExitCodes[0] != 4 || !strings.Contains(out, `"failures": 3`) || !strings.Contains(out, `"behind": 3`) {
		t.Errorf("got %s", out)
	}
	v.answering = true
	if line := place(t, v.run(0, "ledger", "anchor", "--anchors", v.anchors), "vault"); !strings.Contains(line, "3 entries at") || strings.Contains(line, "failed") {
		t.Errorf("once it answers: got %q", line)
	}
}

func TestABucketThatCannotLockIsNoAnchor(t *testing.T) {
	v := newVault(t, false)
	if line := place(t, v.run(4, "ledger", "anchor", "--anchors", v.anchors), "vault"); !strings.Contains(line, "no checkpoint yet; failed 1 times") || !strings.Contains(line, "the bucket needs Object Lock") {
		t.Errorf("got %q", line)
	}
}

func TestABucketWithoutCredentialsStopsNoOtherPlace(t *testing.T) {
	v := newVault(t, true)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	out := v.run(4, "ledger", "anchor", "--anchors", v.anchors)
	if line := place(t, out, "vault"); !strings.Contains(line, "no checkpoint yet; failed 1 times") || !strings.Contains(line, "no AWS credentials for the bucket of anchors") {
		t.Errorf("got %q", line)
	}
	if line := place(t, out, "paper"); !strings.Contains(line, "3 entries at") {
		t.Errorf("the other place: got %q", line)
	}
}

// Whoever puts an older copy of the database back is seen by the bucket.
func TestABucketSeesThatHistoryWasRolledBack(t *testing.T) {
	v := newVault(t, true)
	dir := filepath.Dir(v.store)
	kept, err := os.ReadFile(v.store)
	if err != nil {
		t.Fatal(err)
	}
	if err := makeLedger(dir, 4); err != nil {
		t.Fatal(err)
	}
	v.run(0, "ledger", "anchor", "--anchors", v.anchors)
	for _, name := range []string{v.store + "-wal", v.store + "-shm"} {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(v.store, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if line := place(t, v.run(4, "ledger", "anchor", "--anchors", v.anchors), "vault"); !strings.Contains(line, "holds a checkpoint of 7 entries, the ledger has 3: history was rolled back") {
		t.Errorf("got %q", line)
	}
	if out := v.run(4, "ledger", "verify", "--anchors", v.anchors); !strings.Contains(out, "broken     anchor vault") {
		t.Errorf("got %s", out)
	}
}
