package s3

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func uploadOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("CreateMultipartUpload", createUpload, cloud.At("POST /{Bucket}/{Key+}?uploads"), cloud.As("s3:PutObject"), cloud.Data),
		cloud.Op("UploadPart", uploadPart, cloud.At("PUT /{Bucket}/{Key+}?partNumber&uploadId"), cloud.As("s3:PutObject"), cloud.Data),
		cloud.Op("CompleteMultipartUpload", completeUpload, cloud.At("POST /{Bucket}/{Key+}?uploadId"), cloud.As("s3:PutObject"), cloud.Data),
		cloud.Op("AbortMultipartUpload", abortUpload, cloud.At("DELETE /{Bucket}/{Key+}?uploadId"), cloud.Data),
		cloud.Op("ListParts", listParts, cloud.At("GET /{Bucket}/{Key+}?uploadId"), cloud.As("s3:ListMultipartUploadParts"), cloud.Data),
	}
}

// upload is an object that is sent in parts.
type upload struct {
	key, kind string
	metadata  map[string]string
	parts     map[int]part
}

type part struct {
	body     []byte
	sum      [md5.Size]byte
	uploaded time.Time
}

const (
	maxParts = 10_000
	minPart  = 5 << 20 // bytes of every part but the last
)

type createUploadIn struct {
	onObject
	ContentType  string            `aws:"Content-Type,header"`
	Checksum     string            `aws:"x-amz-checksum-algorithm,header"`
	ChecksumType string            `aws:"x-amz-checksum-type,header"`
	Metadata     map[string]string `aws:"x-amz-meta-,prefix"`
}

type createUploadOut struct {
	Result struct{ Bucket, Key, UploadId string } `aws:"InitiateMultipartUploadResult,payload"`
}

func createUpload(c *cloud.Call, in createUploadIn) (out createUploadOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	id := c.Cloud.FileID() + c.Cloud.FileID()
	b.uploads[id] = &upload{in.Key, in.ContentType, in.Metadata, map[int]part{}}
	r := &out.Result
	r.Bucket, r.Key, r.UploadId = b.name, in.Key, id
	return out, nil
}

type onUpload struct {
	onObject
	UploadId string `aws:"uploadId,query,must"`
}

func (o *onUpload) upload(c *cloud.Call) (*bucket, *upload, error) {
	b, err := o.bucket(c)
	if err != nil {
		return nil, nil, err
	}
	u := b.uploads[o.UploadId]
	if u == nil || u.key != o.Key {
		return nil, nil, cloud.Fail("NoSuchUpload", 404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return b, u, nil
}

type uploadPartIn struct {
	onUpload
	PartNumber int    `aws:"partNumber,query"`
	Body       []byte `aws:",payload"`
}

type uploadPartOut struct {
	ETag string `aws:",header"`
}

func uploadPart(c *cloud.Call, in uploadPartIn) (out uploadPartOut, err error) {
	_, u, err := in.upload(c)
	switch {
	case err != nil:
		return out, err
	case in.PartNumber < 1 || in.PartNumber > maxParts:
		return out, cloud.Fail("InvalidArgument", 400, "Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	p := part{in.Body, md5.Sum(in.Body), c.Now.Truncate(time.Second)}
	u.parts[in.PartNumber] = p
	return uploadPartOut{quoted(p.sum[:], "")}, nil
}

// completedPart is a part as the client knows it. The checksums that it repeats were
// compared when the part came.
type completedPart struct {
	PartNumber                                                                     int
	ETag                                                                           string
	ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string
}

type completeUploadIn struct {
	onUpload
	ChecksumType            string `aws:"x-amz-checksum-type,header"`
	IfNoneMatch             string `aws:"If-None-Match,header"`
	CompleteMultipartUpload struct {
		Part []completedPart `aws:",flat"`
	} `aws:",payload"`
}

type completeUploadOut struct {
	VersionId string                             `aws:"x-amz-version-id,header,omit"`
	Result    struct{ Bucket, Key, ETag string } `aws:"CompleteMultipartUploadResult,payload"`
}

// completeUpload makes an object of the parts that the client lists.
func completeUpload(c *cloud.Call, in completeUploadIn) (out completeUploadOut, err error) {
	b, u, err := in.upload(c)
	if err != nil {
		return out, err
	}
	if err := b.mayCreate(in.Key, in.IfNoneMatch); err != nil {
		return out, err
	}
	listed := in.CompleteMultipartUpload.Part
	body, sum, err := u.join(listed)
	if err != nil {
		return out, err
	}
	delete(b.uploads, in.UploadId)
	o := b.put(c.Cloud, in.Key, &object{body: body, etag: quoted(sum, "-"+strconv.Itoa(len(listed))), kind: u.kind, metadata: u.metadata, modified: c.Now})
	b.announce(c.Cloud, in.Key, o, "CompleteMultipartUpload")
	r := &out.Result
	out.VersionId, r.Bucket, r.Key, r.ETag = b.shown(o), b.name, in.Key, o.etag
	return out, nil
}

// join puts parts one behind the other; the sum is the MD5 of their MD5s.
func (u *upload) join(listed []completedPart) (body, sum []byte, err error) {
	if len(listed) == 0 {
		return nil, nil, cloud.Fail("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	for i := 1; i < len(listed); i++ {
		if listed[i].PartNumber <= listed[i-1].PartNumber {
			return nil, nil, cloud.Fail("InvalidPartOrder", 400, "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	sums := md5.New()
	for i, l := range listed {
		p, ok := u.parts[l.PartNumber]
		switch {
		case !ok || strings.Trim(l.ETag, `"`) != hex.EncodeToString(p.sum[:]):
			return nil, nil, cloud.Fail("InvalidPart", 400, "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
		case i < len(listed)-1 && len(p.body) < minPart:
			return nil, nil, cloud.Fail("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")
		}
		body = append(body, p.body...)
		sums.Write(p.sum[:])
	}
	return body, sums.Sum(nil), nil
}

func abortUpload(c *cloud.Call, in onUpload) (noContent, error) {
	b, _, err := in.upload(c)
	if err == nil {
		delete(b.uploads, in.UploadId)
	}
	return noContent{204}, err
}

type listPartsIn struct {
	onUpload
	MaxParts         int `aws:"max-parts,query"`
	PartNumberMarker int `aws:"part-number-marker,query"`
}

type partShape struct {
	PartNumber   int
	LastModified time.Time
	ETag         string
	Size         int
}

type listPartsOut struct {
	Result struct {
		Bucket, Key, UploadId string
		PartNumberMarker      int
		NextPartNumberMarker  int
		MaxParts              int
		IsTruncated           bool
		StorageClass          string
		Part                  []partShape `aws:",flat"`
	} `aws:"ListPartsResult,payload"`
}

func listParts(c *cloud.Call, in listPartsIn) (out listPartsOut, err error) {
	b, u, err := in.upload(c)
	if err != nil {
		return out, err
	}
	if in.MaxParts <= 0 || in.MaxParts > maxListed {
		in.MaxParts = maxListed
	}
	r := &out.Result
	r.Bucket, r.Key, r.UploadId, r.MaxParts, r.PartNumberMarker, r.StorageClass = b.name, in.Key, in.UploadId, in.MaxParts, in.PartNumberMarker, "STANDARD"
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		if n <= in.PartNumberMarker {
			continue
		}
		if len(r.Part) == in.MaxParts {
			r.IsTruncated = true
			break
		}
		p := u.parts[n]
		r.Part, r.NextPartNumberMarker = append(r.Part, partShape{n, p.uploaded, quoted(p.sum[:], ""), len(p.body)}), n
	}
	return out, nil
}
