package digest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// judgement is what is known about one digest.
type judgement struct {
	doc    *document // nil when it could not be read or parsed
	source string    // of the signature
	fault  *fault    // nil when it is valid
}

// holds reports whether the digest is valid, or at least nothing is known
// against it: then its logs are checked and its pointer is followed.
func (j judgement) holds() bool {
	return j.fault == nil || j.doc != nil && j.fault.status == Unknown
}

// judge reads and verifies one digest.
func (t *traversal) judge(at target) judgement {
	t.visited[at.path] = true
	t.opt.Progress.Digests.Add(1)
	var raw bytes.Buffer
	if f := t.digestReader.inflate(at.path, maxDocument, &raw); f != nil {
		return judgement{fault: f}
	}
	doc, err := parseDocument(raw.Bytes())
	if err != nil {
		return judgement{fault: faultf(Invalid, ReasonFormat, "invalid format: %v", err)}
	}
	if most := t.opt.MaxNamed; most > 0 && t.named.Add(int64(len(doc.logs))) > most {
		return judgement{fault: faultf(Unknown, ReasonUnreadable, "all digests together name more than %d log files", most)}
	}
	root, f := t.checkPlace(at, doc)
	if f != nil {
		return judgement{doc: doc, fault: f}
	}
	source, f := t.checkSignature(at, doc)
	if f == nil && at.sure && at.newer.previous.hash != "" && !strings.EqualFold(at.newer.previous.hash, hex.EncodeToString(doc.sum[:])) {
		f = faultf(Invalid, ReasonPreviousHash, "signed, but the next digest names a file with hash %.12s", at.newer.previous.hash)
	}
	j := judgement{doc, source, f}
	if j.holds() {
		t.root = root
	}
	if f == nil {
		t.bucket, t.fixed = doc.bucket, true
	}
	return j
}

// checkPlace compares what the digest says about itself and its predecessor with
// where it lies. It returns the path of the bucket in the copy.
func (t *traversal) checkPlace(at target, doc *document) (root string, f *fault) {
	root, ok := strings.CutSuffix(at.path, doc.object)
	ok = ok && (root == "" || strings.HasSuffix(root, "/"))
	if !ok || at.bucket != "" && doc.bucket != at.bucket || t.fixed && root != t.root {
		return "", faultf(Invalid, ReasonMoved, "has been moved from its original location, s3://%s/%s", doc.bucket, doc.object)
	}
	if doc.previous == nil {
		return root, nil
	}
	self, _ := parseName(at.path) // found by name, or named by a digest that passed below
	prev, ok := parseName(doc.previous.object)
	if !ok || !prev.sameChain(self) || !prev.end.Before(self.end) {
		// Pointers that only lead back in time also cannot form a circle.
		return "", faultf(Invalid, ReasonFormat, "invalid format: previousDigestS3Object %q is not an older digest of the same chain", doc.previous.object)
	}
	return root, nil
}

// checkSignature verifies AWS's signature and says where it was found.
func (t *traversal) checkSignature(at target, doc *document) (source string, f *fault) {
	if len(t.opt.Keys) == 0 {
		return "", faultf(Unknown, ReasonNoKeys, "no public keys given; hint: aws cloudtrail list-public-keys --region %s --start-time %s", t.region, doc.start.Format(time.RFC3339))
	}
	meta, source, f := t.signature(at)
	if f != nil {
		return source, f
	}
	key, ok := t.opt.Keys[doc.fingerprint]
	if !ok {
		return source, faultf(Invalid, ReasonNoPublicKey, "public key not found in region %s for fingerprint %s; hint: aws cloudtrail list-public-keys --region %s --start-time %s",
			t.region, doc.fingerprint, t.region, doc.start.Format(time.RFC3339))
	}
	signedAt := doc.end
	if t.id.backfill {
		// A backfill digest is signed long after the hour that it covers.
		signedAt, _ = time.Parse(time.RFC3339, meta.Generated)
	}
	if !signedAt.IsZero() && !key.validAt(signedAt) {
		return source, faultf(Invalid, ReasonNoPublicKey, "public key %s was in use from %s to %s only", doc.fingerprint, key.From.Format(time.RFC3339), key.To.Format(time.RFC3339))
	}
	signature, err := hex.DecodeString(meta.Signature)
	if err == nil {
		sum := sha256.Sum256([]byte(doc.signed))
		err = rsa.VerifyPKCS1v15(key.RSA, crypto.SHA256, sum[:], signature)
	}
	if err != nil {
		return source, faultf(Invalid, ReasonSignature, "signature verification failed (signature from %s)", source)
	}
	return source, nil
}

// signature finds the digest's signature: in the metadata file beside it, or
// else repeated in the next digest. Such a signature needs no trust in that
// digest, since only AWS could have made it.
func (t *traversal) signature(at target) (meta metadata, source string, f *fault) {
	meta, err := readMetadata(t.fsys, at.path+SidecarSuffix)
	switch {
	case err == nil && (meta.Signature == "" || meta.Algorithm == ""):
		return meta, "metadata", faultf(Invalid, ReasonSignature, "signature verification failed: the metadata lacks signature or signature-algorithm")
	case err == nil && t.id.backfill && meta.Generated == "":
		return meta, "metadata", faultf(Invalid, ReasonFormat, "invalid format: the metadata lacks backfill-generation-timestamp")
	case err == nil:
		return meta, "metadata", nil
	case !errors.Is(err, fs.ErrNotExist):
		return meta, "", faultf(Unknown, ReasonNoSignature, "signature unknown: metadata file cannot be used: %v", err)
	case at.newer != nil:
		return metadata{Signature: at.newer.previous.signature}, "next digest", nil
	}
	return meta, "", faultf(Unknown, ReasonNoSignature,
		"signature unknown: no metadata file and no next digest; hint: aws s3api head-object --bucket BUCKET --key KEY > FILE%s", SidecarSuffix)
}

func readMetadata(fsys fs.FS, path string) (metadata, error) {
	f, err := openFile(fsys, path)
	if err != nil {
		return metadata{}, err
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxSidecar+1))
	if err != nil {
		return metadata{}, err
	}
	if len(src) > maxSidecar {
		return metadata{}, fmt.Errorf("larger than %d KiB", maxSidecar>>10)
	}
	return parseMetadata(src)
}
