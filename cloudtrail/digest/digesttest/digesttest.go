// Package digesttest writes CloudTrail log files with signed digests, so that
// tests and demonstrations have trails to verify. In go the outline of a chain
// and a signer; out come the files of a bucket. Its keys are made at run time
// and mean nothing to AWS.
package digesttest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// KeysFile is where WriteChain puts the public keys, in the form of
// `aws cloudtrail list-public-keys`.
const KeysFile = "public-keys.json"

// metadataSuffix names the file with a digest's S3 metadata.
const metadataSuffix = ".metadata.json"

// Chain outlines consecutive hourly digests of one trail in one Region. Zero
// fields take the values of account 111122223333, Region us-east-1, trail
// "audit", bucket "trail-logs".
type Chain struct {
	Account      string
	Organization string // o-..., for an organization trail
	Region       string
	HomeRegion   string // the Region's own when empty
	Trail        string
	Bucket       string
	Prefix       string // of the object keys, without a final slash
	Folder       string // path of the bucket in the copy, without a final slash
	// Start is when the first digest starts; they are not aligned to the hour.
	Start    time.Time
	Hours    int
	Logs     int // for each hour, made up
	Backfill bool
	// After is the digest that the first one continues, nil when logging starts.
	After *Link
	// NoMetadata leaves the metadata files out, as a plain copy of a bucket does.
	NoMetadata bool
	// LogsOf, when set, gives the logs of an hour instead of made-up ones.
	LogsOf func(start, end time.Time) []Log
	// Edit, when set, changes a digest before it is signed.
	Edit func(hour int, digest map[string]any)
}

// Log is a log file that a digest names.
type Log struct {
	Object string
	// Sum is the SHA-256 of the inflated content.
	Sum [sha256.Size]byte
	// Gzip is the object itself, nil when the caller has written it.
	Gzip []byte
}

// Link is what the next digest says about one.
type Link struct {
	Bucket, Object, Hash, Signature string
}

// withDefaults fills the zero fields.
func (c Chain) withDefaults() Chain {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&c.Account, "111122223333"}, {&c.Region, "us-east-1"}, {&c.HomeRegion, c.Region}, {&c.HomeRegion, "us-east-1"},
		{&c.Trail, "audit"}, {&c.Bucket, "trail-logs"},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2026, 11, 21, 0, 1, 31, 0, time.UTC)
	}
	return c
}

// Files makes the logs, digests and metadata files by their path in the copy,
// and the link with which a later chain continues this one.
func (c Chain) Files(s *Signer) (map[string][]byte, *Link, error) {
	c = c.withDefaults()
	files := map[string][]byte{}
	link := c.After
	for hour := range c.Hours {
		next, err := c.addHour(files, s, hour, link)
		if err != nil {
			return nil, nil, fmt.Errorf("hour %d of trail %s: %w", hour, c.Trail, err)
		}
		link = next
	}
	return files, link, nil
}

func (c Chain) addHour(files map[string][]byte, s *Signer, hour int, after *Link) (*Link, error) {
	start := c.Start.Add(time.Duration(hour) * time.Hour)
	end := start.Add(time.Hour)
	logs := c.logs(hour, start, end)
	for _, l := range logs {
		if l.Gzip != nil {
			files[c.path(l.Object)] = l.Gzip
		}
	}
	digest := c.digest(s, start, end, logs, after)
	key := c.DigestKey(hour)
	digest["digestS3Object"] = key
	if c.Edit != nil {
		c.Edit(hour, digest)
	}
	body, err := json.Marshal(digest)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	previous, ok := digest["previousDigestSignature"].(string)
	if !ok {
		previous = "null"
	}
	signature, err := s.Sign(fmt.Sprintf("%v\n%v/%v\n%x\n%s", digest["digestEndTime"], digest["digestS3Bucket"], digest["digestS3Object"], sum, previous))
	if err != nil {
		return nil, err
	}
	files[c.path(key)] = Gzip(body)
	if !c.NoMetadata {
		files[c.path(key)+metadataSuffix] = c.metadata(signature, end)
	}
	return &Link{c.Bucket, key, hex.EncodeToString(sum[:]), signature}, nil
}

// digest is the content of a digest file, by field.
func (c Chain) digest(s *Signer, start, end time.Time, logs []Log, after *Link) map[string]any {
	d := map[string]any{
		"awsAccountId":                c.Account,
		"digestStartTime":             start.Format(time.RFC3339),
		"digestEndTime":               end.Format(time.RFC3339),
		"digestS3Bucket":              c.Bucket,
		"digestPublicKeyFingerprint":  s.Fingerprint(),
		"digestSignatureAlgorithm":    "SHA256withRSA",
		"newestEventTime":             nil,
		"oldestEventTime":             nil,
		"previousDigestS3Bucket":      nil,
		"previousDigestS3Object":      nil,
		"previousDigestHashValue":     nil,
		"previousDigestHashAlgorithm": nil,
		"previousDigestSignature":     nil,
	}
	if after != nil {
		d["previousDigestS3Bucket"], d["previousDigestS3Object"] = after.Bucket, after.Object
		d["previousDigestHashValue"], d["previousDigestHashAlgorithm"] = after.Hash, "SHA-256"
		d["previousDigestSignature"] = after.Signature
	}
	entries := []map[string]any{}
	for _, l := range logs {
		entries = append(entries, map[string]any{
			"s3Bucket": c.Bucket, "s3Object": l.Object,
			"hashValue": hex.EncodeToString(l.Sum[:]), "hashAlgorithm": "SHA-256",
			"oldestEventTime": start.Format(time.RFC3339), "newestEventTime": end.Format(time.RFC3339),
		})
	}
	if len(logs) > 0 {
		d["oldestEventTime"], d["newestEventTime"] = start.Format(time.RFC3339), end.Format(time.RFC3339)
	}
	d["logFiles"] = entries
	return d
}

func (c Chain) logs(hour int, start, end time.Time) []Log {
	if c.LogsOf != nil {
		return c.LogsOf(start, end)
	}
	var logs []Log
	for n := range c.Logs {
		content := fmt.Appendf(nil, `{"Records":[{"eventVersion":"1.11","eventTime":%q,"eventSource":"sts.amazonaws.com","eventName":"GetCallerIdentity","awsRegion":%q,"recipientAccountId":%q,"eventID":"%08d-0000-4000-8000-%012d"}]}`,
			start.Format(time.RFC3339), c.Region, c.Account, hour, n)
		logs = append(logs, Log{Object: c.LogKey(hour, n), Sum: sha256.Sum256(content), Gzip: Gzip(content)})
	}
	return logs
}

func (c Chain) metadata(signature string, end time.Time) []byte {
	meta := map[string]string{"signature": signature, "signature-algorithm": "SHA256withRSA"}
	if c.Backfill {
		meta["backfill-generation-timestamp"] = end.Add(48 * time.Hour).Format(time.RFC3339)
	}
	// A map of strings always marshals.
	out, _ := json.MarshalIndent(map[string]any{"ContentType": "application/json", "Metadata": meta}, "", "    ")
	return out
}

// DigestKey is the object key of the digest of an hour, counted from 0.
func (c Chain) DigestKey(hour int) string {
	c = c.withDefaults()
	end := c.Start.Add(time.Duration(hour+1) * time.Hour)
	suffix := ""
	if c.Backfill {
		suffix = "_backfill"
	}
	return c.key("CloudTrail-Digest", end, fmt.Sprintf("%s_CloudTrail-Digest_%s_%s_%s_%s%s.json.gz",
		c.Account, c.Region, c.Trail, c.HomeRegion, end.Format("20060102T150405Z"), suffix))
}

// LogKey is the object key of a made-up log file of an hour, both counted from 0.
func (c Chain) LogKey(hour, n int) string {
	c = c.withDefaults()
	at := c.Start.Add(time.Duration(hour)*time.Hour + time.Duration(n+1)*5*time.Minute)
	mark := "std"
	if c.Backfill {
		mark = "late"
	}
	return c.key("CloudTrail", at, fmt.Sprintf("%s_CloudTrail_%s_%s_%s%s%04d.json.gz", c.Account, c.Region, at.Format("20060102T1504Z"), mark, c.Trail, n))
}

// DigestPath and LogPath are the same in the copy, below Folder.
func (c Chain) DigestPath(hour int) string { return c.path(c.DigestKey(hour)) }

// LogPath is the path of a log file in the copy.
func (c Chain) LogPath(hour, n int) string { return c.path(c.LogKey(hour, n)) }

func (c Chain) key(kind string, at time.Time, name string) string {
	key := "AWSLogs/"
	if c.Prefix != "" {
		key = c.Prefix + "/" + key
	}
	if c.Organization != "" {
		key += c.Organization + "/"
	}
	return key + c.Account + "/" + kind + "/" + c.Region + at.Format("/2006/01/02/") + name
}

func (c Chain) path(key string) string {
	if c.Folder == "" {
		return key
	}
	return c.Folder + "/" + key
}

// Gzip compresses data into one gzip member.
func Gzip(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	// A bytes.Buffer takes everything.
	_, _ = w.Write(data)
	_ = w.Close()
	return out.Bytes()
}

// WriteChain writes the files of a chain and, beside them, KeysFile.
func WriteChain(dir string, c Chain, s *Signer) error {
	files, _, err := c.Files(s)
	if err != nil {
		return err
	}
	c = c.withDefaults()
	files[KeysFile] = s.PublicKeys(c.Start.AddDate(0, -1, 0), c.Start.AddDate(0, 1, 0))
	return WriteFiles(dir, files)
}

// WriteFiles writes files by their slash-separated path below dir.
func WriteFiles(dir string, files map[string][]byte) error {
	for path, data := range files {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(full, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
