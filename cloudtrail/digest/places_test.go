package digest_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// TestSignatures is about where signatures and keys come from.
func TestSignatures(t *testing.T) {
	three := digesttest.Chain{Hours: 3, Logs: 1}
	for _, tc := range []struct {
		name  string
		build func(b *trail, opt *digest.Options)
		want  []string
	}{
		{"metadata without a signature", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.editMetadata(three.DigestPath(2), func(m map[string]string) { delete(m, "signature") })
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid bad-signature digest 20261121T030131Z",
			"stray unknown no-digest log 20261121T0206Z",
		}},
		{"metadata without an algorithm", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1})
			b.editMetadata(three.DigestPath(0), func(m map[string]string) { delete(m, "signature-algorithm") })
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid bad-signature digest 20261121T010131Z",
		}},
		{"a metadata file that is none leaves the signature unknown", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1, Logs: 1})
			b.files[three.DigestPath(0)+digest.SidecarSuffix] = []byte("<html>")
		}, []string{
			"passed=true", "audit us-east-1: digests 0/1, logs 0/1, gaps 0",
			"  unknown signature-unknown digest 20261121T010131Z",
			"  unknown unverified-digest log 20261121T0006Z",
		}},
		{"without metadata the next digest has the signature, of all but the newest", func(b *trail, opt *digest.Options) {
			c := three
			c.NoMetadata = true
			b.add(c)
		}, []string{
			"passed=true", "audit us-east-1: digests 2/3, logs 2/3, gaps 0",
			"  unknown signature-unknown digest 20261121T030131Z",
			"  unknown unverified-digest log 20261121T0206Z",
		}},
		{"without metadata an edited older digest is invalid", func(b *trail, opt *digest.Options) {
			c := three
			c.NoMetadata = true
			b.add(c)
			path := c.DigestPath(0)
			b.files[path] = digesttest.Gzip(append(b.inflated(path), ' '))
		}, []string{
			"passed=false", "audit us-east-1: digests 1/3, logs 1/2, gaps 0",
			"  unknown signature-unknown digest 20261121T030131Z",
			"  unknown unverified-digest log 20261121T0206Z",
			"  invalid bad-signature digest 20261121T010131Z",
			"stray unknown no-digest log 20261121T0006Z",
		}},
		{"a changed log of a digest with unknown signature is still invalid", func(b *trail, opt *digest.Options) {
			c := digesttest.Chain{Hours: 1, Logs: 1, NoMetadata: true}
			b.add(c)
			b.files[c.LogPath(0, 0)] = digesttest.Gzip([]byte("{}"))
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/1, gaps 0",
			"  unknown signature-unknown digest 20261121T010131Z",
			"  invalid hash-mismatch log 20261121T0006Z",
		}},
		{"no key has the fingerprint", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1, Edit: func(_ int, d map[string]any) { d["digestPublicKeyFingerprint"] = "00112233" }})
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid no-public-key digest 20261121T010131Z",
		}},
		{"a key that was not in use at that time", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1, Start: day.AddDate(0, 3, 0)})
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid no-public-key digest 20270221T010131Z",
		}},
		{"no keys at all leave every digest unknown", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 2, Logs: 1})
			opt.Keys = nil
		}, []string{
			"passed=true", "audit us-east-1: digests 0/2, logs 0/2, gaps 0",
			"  unknown no-keys-given digest 20261121T020131Z",
			"  unknown unverified-digest log 20261121T0106Z",
			"  unknown no-keys-given digest 20261121T010131Z",
			"  unknown unverified-digest log 20261121T0006Z",
		}},
		{"a signed digest that is not the one the next names", func(b *trail, opt *digest.Options) {
			b.add(three)
			other := three
			other.Hours, other.Logs = 1, 0
			b.add(other)
			b.remove(three.LogPath(0, 0))
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid previous-hash digest 20261121T010131Z",
		}},
		{"a digest with a second gzip member", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1})
			path := three.DigestPath(0)
			b.files[path] = append(b.files[path], digesttest.Gzip([]byte("{}"))...)
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid second-gzip-member digest 20261121T010131Z",
		}},
		{"a digest of very many empty entries", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1, Edit: func(_ int, d map[string]any) { d["logFiles"] = make([]struct{}, 80_001) }})
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid invalid-format digest 20261121T010131Z",
		}},
		{"a digest that inflates beyond the limit", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1})
			b.files[three.DigestPath(0)] = digesttest.Gzip(bytes.Repeat([]byte(" "), 33<<20))
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid invalid-format digest 20261121T010131Z",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &trail{t: t, files: map[string][]byte{}}
			opt := digest.Options{Keys: publicKeys(t), Workers: 2}
			tc.build(b, &opt)
			if diff := cmp.Diff(tc.want, summary(verify(t, b, opt))); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequiredFields(t *testing.T) {
	for _, field := range []string{
		"digestPublicKeyFingerprint", "digestS3Bucket", "digestS3Object", "previousDigestSignature",
		"digestEndTime", "digestStartTime", "logFiles",
	} {
		t.Run("a digest without "+field, func(t *testing.T) {
			b := &trail{t: t, files: map[string][]byte{}}
			b.add(digesttest.Chain{Hours: 1, Edit: func(_ int, d map[string]any) { delete(d, field) }})
			r := verify(t, b, digest.Options{Keys: publicKeys(t)})
			want := []string{
				"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
				"  invalid invalid-format digest 20261121T010131Z",
			}
			if diff := cmp.Diff(want, summary(r)); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
			if got := r.Chains[0].Verdicts[0].Detail; !strings.Contains(got, field) {
				t.Errorf("got detail %q, want it to name %s", got, field)
			}
		})
	}
}

// TestPlaces is about digests and logs that lie elsewhere, or seem to.
func TestPlaces(t *testing.T) {
	three := digesttest.Chain{Hours: 3, Logs: 1}
	editHour := func(hour int, field string, value any) digesttest.Chain {
		c := three
		c.Edit = func(h int, d map[string]any) {
			if h == hour {
				d[field] = value
			}
		}
		return c
	}
	for _, tc := range []struct {
		name  string
		build func(b *trail, opt *digest.Options)
		want  []string
	}{
		{"a digest that names another bucket", func(b *trail, opt *digest.Options) {
			b.add(editHour(1, "digestS3Bucket", "elsewhere"))
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid moved digest 20261121T020131Z",
			"stray unknown no-digest log 20261121T0106Z",
		}},
		{"a newest digest that names another bucket, when the bucket is known", func(b *trail, opt *digest.Options) {
			b.add(editHour(2, "digestS3Bucket", "elsewhere"))
			opt.Bucket = "trail-logs"
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid moved digest 20261121T030131Z",
			"stray unknown no-digest log 20261121T0206Z",
		}},
		{"a digest that names another key", func(b *trail, opt *digest.Options) {
			b.add(editHour(1, "digestS3Object", three.DigestKey(7)))
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid moved digest 20261121T020131Z",
			"stray unknown no-digest log 20261121T0106Z",
		}},
		{"a digest whose key is the tail of its path only", func(b *trail, opt *digest.Options) {
			b.add(editHour(2, "digestS3Object", three.DigestKey(2)[3:]))
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid moved digest 20261121T030131Z",
			"stray unknown no-digest log 20261121T0206Z",
		}},
		{"a digest copied over another hour", func(b *trail, opt *digest.Options) {
			b.add(three)
			for _, suffix := range []string{"", digest.SidecarSuffix} {
				b.files[three.DigestPath(1)+suffix] = b.files[three.DigestPath(0)+suffix]
			}
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  invalid moved digest 20261121T020131Z",
			"stray unknown no-digest log 20261121T0106Z",
		}},
		{"a bucket change is followed into the folder of the older bucket", func(b *trail, opt *digest.Options) {
			link := b.add(digesttest.Chain{Hours: 2, Logs: 1, Bucket: "old", Folder: "copies/old"})
			b.add(digesttest.Chain{Hours: 2, Logs: 1, Bucket: "new", Folder: "copies/new", Start: day.Add(2 * time.Hour), After: link})
		}, []string{"passed=true", "audit us-east-1: digests 4/4, logs 4/4, gaps 0"}},
		{"after a bucket change a missing digest sends the traversal to the older bucket's files", func(b *trail, opt *digest.Options) {
			old := digesttest.Chain{Hours: 2, Logs: 1, Bucket: "old", Folder: "old"}
			link := b.add(old)
			b.add(digesttest.Chain{Hours: 1, Bucket: "new", Folder: "new", Start: day.Add(2 * time.Hour), After: link})
			b.remove(old.DigestPath(1))
			b.remove(old.LogPath(1, 0))
		}, []string{
			"passed=false", "audit us-east-1: digests 2/3, logs 1/1, gaps 0",
			"  missing not-found digest 20261121T020131Z",
		}},
		{"a bucket change is followed when both copies were merged", func(b *trail, opt *digest.Options) {
			link := b.add(digesttest.Chain{Hours: 2, Logs: 1, Bucket: "old"})
			b.add(digesttest.Chain{Hours: 2, Logs: 1, Bucket: "new", Start: day.Add(2 * time.Hour), After: link})
		}, []string{"passed=true", "audit us-east-1: digests 4/4, logs 4/4, gaps 0"}},
		{"a change of the key prefix is followed", func(b *trail, opt *digest.Options) {
			link := b.add(digesttest.Chain{Hours: 2, Logs: 1, Prefix: "a"})
			b.add(digesttest.Chain{Hours: 2, Logs: 1, Prefix: "b/c", Start: day.Add(2 * time.Hour), After: link})
		}, []string{"passed=true", "audit us-east-1: digests 4/4, logs 4/4, gaps 0"}},
		{"a bucket change into a bucket that was not copied", func(b *trail, opt *digest.Options) {
			link := &digesttest.Link{Bucket: "old", Object: three.DigestKey(0), Hash: "00", Signature: "00"}
			b.add(digesttest.Chain{Hours: 1, Bucket: "new", Start: day.Add(time.Hour), After: link})
		}, []string{
			"passed=false", "audit us-east-1: digests 1/2, logs 0/0, gaps 0",
			"  missing not-found digest 20261121T010131Z",
		}},
		{"two copies of one bucket are two chains", func(b *trail, opt *digest.Options) {
			for _, folder := range []string{"monday", "tuesday"} {
				c := three
				c.Folder = folder
				b.add(c)
			}
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 3/3, gaps 0", "audit us-east-1: digests 3/3, logs 3/3, gaps 0",
		}},
		{"an organization trail and an account's own trail are two chains", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.add(digesttest.Chain{Hours: 2, Logs: 1, Organization: "o-exampleorgid", Trail: "org_trail", Prefix: "x"})
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 3/3, gaps 0", "org_trail us-east-1: digests 2/2, logs 2/2, gaps 0",
		}},
		{"an account's trail that became an organization trail is followed", func(b *trail, opt *digest.Options) {
			link := b.add(digesttest.Chain{Hours: 2, Logs: 1})
			b.add(digesttest.Chain{Hours: 2, Logs: 1, Organization: "o-exampleorgid", Start: day.Add(2 * time.Hour), After: link})
		}, []string{"passed=true", "audit us-east-1: digests 4/4, logs 4/4, gaps 0"}},
		{"Regions and trails are chains of their own", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.add(digesttest.Chain{Hours: 2, Region: "eu-west-3", HomeRegion: "us-east-1"})
			b.add(digesttest.Chain{Hours: 1, Trail: "second_trail_us"})
		}, []string{
			"passed=true", "audit eu-west-3: digests 2/2, logs 0/0, gaps 0",
			"audit us-east-1: digests 3/3, logs 3/3, gaps 0", "second_trail_us us-east-1: digests 1/1, logs 0/0, gaps 0",
		}},
		{"account and Region leave out the rest", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.add(digesttest.Chain{Hours: 2, Region: "eu-west-3"})
			b.add(digesttest.Chain{Hours: 2, Account: "444455556666", Region: "eu-west-3"})
			opt.Account, opt.Region = "444455556666", "eu-west-3"
		}, []string{"passed=true", "audit eu-west-3: digests 2/2, logs 0/0, gaps 0"}},
		{"standard and backfill digests are judged separately", func(b *trail, opt *digest.Options) {
			b.add(three)
			late := digesttest.Chain{Hours: 3, Logs: 1, Backfill: true}
			b.add(late)
			b.remove(late.DigestPath(1))
			b.remove(late.LogPath(1, 0))
		}, []string{
			"passed=false", "audit us-east-1: digests 3/3, logs 3/3, gaps 0",
			"audit backfill us-east-1: digests 2/3, logs 2/2, gaps 0",
			"  missing not-found digest 20261121T020131Z",
		}},
		{"a backfill digest without its generation time", func(b *trail, opt *digest.Options) {
			late := digesttest.Chain{Hours: 1, Backfill: true}
			b.add(late)
			b.editMetadata(late.DigestPath(0), func(m map[string]string) { delete(m, "backfill-generation-timestamp") })
		}, []string{
			"passed=false", "audit backfill us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid invalid-format digest 20261121T010131Z",
		}},
		{"a backfill digest is signed with a key of its own time", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1, Backfill: true, Start: day.AddDate(0, -1, -2)})
		}, []string{"passed=true", "audit backfill us-east-1: digests 1/1, logs 0/0, gaps 0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &trail{t: t, files: map[string][]byte{}}
			opt := digest.Options{Keys: publicKeys(t), Workers: 2}
			tc.build(b, &opt)
			if diff := cmp.Diff(tc.want, summary(verify(t, b, opt))); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestStrays is about files that no digest accounts for, and hostile pointers.
func TestStrays(t *testing.T) {
	three := digesttest.Chain{Hours: 3, Logs: 1}
	for _, tc := range []struct {
		name  string
		build func(b *trail, opt *digest.Options)
		want  []string
	}{
		{"a planted log in a digested hour", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.files[three.LogPath(1, 3)] = digesttest.Gzip([]byte(`{"Records":[]}`))
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 3/3, gaps 0",
			"stray unlisted unlisted log 20261121T0121Z",
		}},
		{"a planted log with a name of its own", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.files["AWSLogs/111122223333/CloudTrail/us-east-1/planted.json"] = []byte(`{"Records":[]}`)
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 3/3, gaps 0",
			"stray unlisted unlisted log AWSLogs/111122223333/CloudTrail/us-east-1/planted.json",
		}},
		{"a log of the hour that is not digested yet", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.files[three.LogPath(3, 0)] = digesttest.Gzip([]byte(`{"Records":[]}`))
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 3/3, gaps 0",
			"stray unknown not-yet-digested log 20261121T0306Z",
		}},
		{"a log from a time when validation was off", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1})
			b.add(digesttest.Chain{Hours: 1, Start: day.Add(4 * time.Hour)})
			b.files[three.LogPath(2, 0)] = digesttest.Gzip([]byte(`{"Records":[]}`))
		}, []string{
			"passed=true", "audit us-east-1: digests 2/2, logs 0/0, gaps 1",
			"  warning gap gap 20261121T050131Z",
			"stray unknown no-digest log 20261121T0206Z",
		}},
		{"logs out of range are left alone", func(b *trail, opt *digest.Options) {
			b.add(three)
			b.files[three.LogPath(0, 3)] = digesttest.Gzip([]byte(`{"Records":[]}`))
			opt.Since = day.Add(time.Hour + time.Second)
		}, []string{"passed=true", "audit us-east-1: digests 2/2, logs 2/2, gaps 0"}},
		{"another bucket without validation is not taken for planted", func(b *trail, opt *digest.Options) {
			b.add(three)
			unvalidated := digesttest.Chain{Hours: 2, Logs: 2, Trail: "other", Folder: "plain"}
			files, _, err := unvalidated.Files(signer())
			if err != nil {
				b.t.Fatal(err)
			}
			maps.DeleteFunc(files, func(path string, _ []byte) bool { return strings.Contains(path, "Digest") })
			maps.Copy(b.files, files)
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 3/3, gaps 0",
			"stray warning no-digest folder plain/AWSLogs/111122223333/CloudTrail/us-east-1",
		}},
		{"a folder of logs without any digest", func(b *trail, opt *digest.Options) {
			files, _, err := three.Files(signer())
			if err != nil {
				b.t.Fatal(err)
			}
			maps.DeleteFunc(files, func(path string, _ []byte) bool { return strings.Contains(path, "Digest") })
			b.files = files
		}, []string{
			"passed=true",
			"stray warning no-digest folder AWSLogs/111122223333/CloudTrail/us-east-1",
		}},
		{"a planted digest that no other names", func(b *trail, opt *digest.Options) {
			b.add(three)
			planted := digesttest.Chain{Hours: 1, Logs: 0, Start: day.Add(30 * time.Minute)}
			b.add(planted)
		}, []string{
			"passed=true", "audit us-east-1: digests 3/3, logs 3/3, gaps 0",
			"stray unlisted unlisted digest 20261121T013131Z",
		}},
		{"unsigned digests that all lead into one chain have it judged once", func(b *trail, opt *digest.Options) {
			link := b.add(digesttest.Chain{Hours: 2, Folder: "trail-logs"})
			for _, folder := range []string{"p", "q"} {
				b.add(digesttest.Chain{Hours: 1, Bucket: "else", Folder: folder, Start: day.Add(4 * time.Hour), After: link, NoMetadata: true})
			}
		}, []string{
			"passed=true", "audit us-east-1: digests 2/3, logs 0/0, gaps 0",
			"  unknown signature-unknown digest 20261121T050131Z",
			"audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  unknown signature-unknown digest 20261121T050131Z",
		}},
		{"a pointer to itself ends", func(b *trail, opt *digest.Options) {
			opt.Keys = nil
			b.add(digesttest.Chain{Hours: 1, After: &digesttest.Link{Bucket: "trail-logs", Object: three.DigestKey(0)}})
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid invalid-format digest 20261121T010131Z",
		}},
		{"a pointer out of the copy is not followed", func(b *trail, opt *digest.Options) {
			b.add(digesttest.Chain{Hours: 1, Start: day.Add(time.Hour), After: &digesttest.Link{Bucket: "../..", Object: "../" + three.DigestKey(0)}})
		}, []string{
			"passed=false", "audit us-east-1: digests 1/2, logs 0/0, gaps 0",
			"  missing not-found digest 20261121T010131Z",
		}},
		{"a pointer to another trail is not followed", func(b *trail, opt *digest.Options) {
			other := digesttest.Chain{Hours: 1, Trail: "other"}
			b.add(digesttest.Chain{Hours: 1, Start: day.Add(time.Hour), After: b.add(other)})
		}, []string{
			"passed=false", "audit us-east-1: digests 0/1, logs 0/0, gaps 0",
			"  invalid invalid-format digest 20261121T020131Z",
			"other us-east-1: digests 1/1, logs 0/0, gaps 0",
		}},
		{"log keys that lead out of the copy are not opened", func(b *trail, opt *digest.Options) {
			c := digesttest.Chain{Hours: 1, Logs: 2, Edit: func(_ int, d map[string]any) {
				logs := d["logFiles"].([]map[string]any)
				logs[0]["s3Object"] = "../../etc/passwd"
				logs[1]["s3Object"] = "/etc/passwd"
			}}
			b.add(c)
			b.remove(c.LogPath(0, 0))
			b.remove(c.LogPath(0, 1))
		}, []string{
			"passed=false", "audit us-east-1: digests 1/1, logs 0/2, gaps 0",
			"  missing not-found log s3://trail-logs/../../etc/passwd",
			"  missing not-found log s3://trail-logs//etc/passwd",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &trail{t: t, files: map[string][]byte{}}
			opt := digest.Options{Keys: publicKeys(t), Workers: 2}
			tc.build(b, &opt)
			if diff := cmp.Diff(tc.want, summary(verify(t, b, opt))); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s", diff)
			}
		})
	}
}
