package digest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxDocument is the largest inflated digest that is read, in bytes, and maxLogs
// the most log files that one may name. An entry takes about 400 bytes. CloudTrail
// writes a few dozen files in a busy hour of one Region of one account.
const (
	maxDocument = 32 << 20
	maxLogs     = 80_000
)

// maxSidecar is the largest metadata file that is read, in bytes.
const maxSidecar = 64 << 10

// document is a parsed digest file (CloudTrail User Guide, "CloudTrail digest
// file structure").
type document struct {
	start, end  time.Time
	bucket      string
	object      string
	fingerprint string
	previous    *previousDigest // nil for the first digest after logging starts
	logs        []logFile
	signed      string // the text AWS signed
	sum         [sha256.Size]byte
}

// previousDigest is what a digest says about the one before it. The hash may be
// empty.
type previousDigest struct {
	bucket, object, hash, signature string
}

// logFile is one entry of a digest's logFiles.
type logFile struct {
	Bucket    string `json:"s3Bucket"`
	Object    string `json:"s3Object"`
	Hash      string `json:"hashValue"`
	Algorithm string `json:"hashAlgorithm"`
}

// documentJSON has pointers where presence matters. previousDigestSignature must
// be there but is null in the first digest of a chain.
type documentJSON struct {
	Start             *time.Time      `json:"digestStartTime"`
	End               *string         `json:"digestEndTime"`
	Bucket            *string         `json:"digestS3Bucket"`
	Object            *string         `json:"digestS3Object"`
	Fingerprint       *string         `json:"digestPublicKeyFingerprint"`
	PreviousBucket    *string         `json:"previousDigestS3Bucket"`
	PreviousObject    *string         `json:"previousDigestS3Object"`
	PreviousHash      *string         `json:"previousDigestHashValue"`
	PreviousSignature json.RawMessage `json:"previousDigestSignature"`
	Logs              json.RawMessage `json:"logFiles"`
}

// parseDocument reads an inflated digest.
func parseDocument(src []byte) (*document, error) {
	var j documentJSON
	if err := json.Unmarshal(src, &j); err != nil {
		return nil, err
	}
	if missing := j.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("required fields missing: %s", strings.Join(missing, ", "))
	}
	end, err := time.Parse(time.RFC3339, *j.End)
	if err != nil {
		return nil, fmt.Errorf("digestEndTime: %w", err)
	}
	if !j.Start.Before(end) {
		return nil, errors.New("digestStartTime is not before digestEndTime")
	}
	d := &document{
		start: j.Start.UTC(), end: end.UTC(),
		bucket: *j.Bucket, object: *j.Object,
		fingerprint: strings.ToLower(*j.Fingerprint),
		sum:         sha256.Sum256(src),
	}
	if d.logs, err = parseLogs(j.Logs); err != nil {
		return nil, fmt.Errorf("logFiles: %w", err)
	}
	signature := "null" // as AWS's signer writes an absent one
	if string(j.PreviousSignature) != "null" {
		if err := json.Unmarshal(j.PreviousSignature, &signature); err != nil {
			return nil, fmt.Errorf("previousDigestSignature: %w", err)
		}
	}
	d.signed = strings.Join([]string{*j.End, d.bucket + "/" + d.object, hex.EncodeToString(d.sum[:]), signature}, "\n")
	if j.PreviousBucket != nil && j.PreviousObject != nil {
		d.previous = &previousDigest{bucket: *j.PreviousBucket, object: *j.PreviousObject, signature: signature}
		if j.PreviousHash != nil {
			d.previous.hash = *j.PreviousHash
		}
	}
	return d, nil
}

// parseLogs reads one entry after the other, so that a digest of nothing but
// empty entries does not fill the memory before it is refused.
func parseLogs(src json.RawMessage) ([]logFile, error) {
	if string(src) == "null" {
		return nil, nil
	}
	if src[0] != '[' {
		return nil, errors.New("want an array")
	}
	in := json.NewDecoder(bytes.NewReader(src))
	if _, err := in.Token(); err != nil {
		return nil, err
	}
	var logs []logFile
	for in.More() {
		if len(logs) == maxLogs {
			return nil, fmt.Errorf("more than %d entries", maxLogs)
		}
		var l logFile
		if err := in.Decode(&l); err != nil {
			return nil, err
		}
		logs = append(logs, l)
	}
	return logs, nil
}

func (j *documentJSON) missing() []string {
	var missing []string
	for _, field := range []struct {
		name    string
		present bool
	}{
		{"digestStartTime", j.Start != nil},
		{"digestEndTime", j.End != nil},
		{"digestS3Bucket", j.Bucket != nil},
		{"digestS3Object", j.Object != nil},
		{"digestPublicKeyFingerprint", j.Fingerprint != nil},
		{"previousDigestSignature", j.PreviousSignature != nil},
		{"logFiles", j.Logs != nil},
	} {
		if !field.present {
			missing = append(missing, field.name)
		}
	}
	return missing
}

// metadata is what S3 keeps beside a digest object, as `aws s3api head-object`
// prints it. A plain copy of a bucket loses it; SidecarSuffix brings it back.
type metadata struct {
	Signature string `json:"signature"` // hexadecimal
	Algorithm string `json:"signature-algorithm"`
	// Generated is when a backfill digest was made, RFC 3339, only in those.
	Generated string `json:"backfill-generation-timestamp"`
}

func parseMetadata(src []byte) (metadata, error) {
	var head struct {
		Metadata *metadata
	}
	if err := json.Unmarshal(src, &head); err != nil {
		return metadata{}, fmt.Errorf("want the output of aws s3api head-object: %w", err)
	}
	if head.Metadata == nil {
		return metadata{}, errors.New("no Metadata; want the output of aws s3api head-object")
	}
	return *head.Metadata, nil
}
