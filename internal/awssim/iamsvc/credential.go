package iamsvc

import (
	"encoding/base32"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func credentialOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListAccessKeys", listAccessKeys),
		cloud.Op("GetAccessKeyLastUsed", getAccessKeyLastUsed),
		cloud.Op("CreateAccessKey", createAccessKey),
		cloud.Op("UpdateAccessKey", updateAccessKey),
		cloud.Op("DeleteAccessKey", deleteAccessKey),
		cloud.Op("ListSigningCertificates", listCertificates),
		cloud.Op("UploadSigningCertificate", uploadCertificate),
		cloud.Op("DeleteSigningCertificate", deleteCertificate),
		cloud.Op("GetLoginProfile", getLoginProfile),
		cloud.Op("CreateLoginProfile", createLoginProfile),
		cloud.Op("UpdateLoginProfile", updateLoginProfile),
		cloud.Op("DeleteLoginProfile", deleteLoginProfile),
		cloud.Op("ListMFADevices", listMFADevices),
		cloud.Op("GetMFADevice", getMFADevice),
		cloud.Op("ListVirtualMFADevices", listVirtualDevices),
		cloud.Op("CreateVirtualMFADevice", createVirtualDevice),
		cloud.Op("EnableMFADevice", enableDevice),
		cloud.Op("DeactivateMFADevice", deactivateDevice),
		cloud.Op("DeleteVirtualMFADevice", deleteVirtualDevice),
	}
}

var status = map[bool]string{true: "Active", false: "Inactive"}

type keyShape struct {
	UserName, AccessKeyId, Status string
	SecretAccessKey               string `aws:",secret"`
	CreateDate                    time.Time
}

type selfPaged struct {
	onSelf
	paged
}

type listAccessKeysOut struct {
	AccessKeyMetadata []keyShape
	page
}

func listAccessKeys(c *cloud.Call, in selfPaged) (out listAccessKeysOut, err error) {
	s, err := in.subject(c)
	if err != nil {
		return out, err
	}
	var all []keyShape
	for _, k := range *s.keys {
		all = append(all, keyShape{UserName: s.name(), AccessKeyId: k.ID, Status: status[k.Active], CreateDate: k.Created})
	}
	out.AccessKeyMetadata, out.page, err = cut(c, in.paged, all)
	return out, err
}

type onKey struct {
	AccessKeyId string `aws:",must"`
}

// On is the user whose key it is.
func (o *onKey) On(c *cloud.Call) cloud.Resource {
	if who, _, ok := c.Cloud.KeyOwner(o.AccessKeyId); ok && who.Owner == c.Account {
		return cloud.Resource{ARN: who.ARN}
	}
	return cloud.Resource{ARN: "*"}
}

type keyLastUsedOut struct {
	UserName          string
	AccessKeyLastUsed struct {
		LastUsedDate        time.Time
		ServiceName, Region string
	}
}

func getAccessKeyLastUsed(c *cloud.Call, in onKey) (out keyLastUsedOut, err error) {
	who, key, ok := c.Cloud.KeyOwner(in.AccessKeyId)
	if !ok || key == nil || who.Owner != c.Account {
		return out, cloud.Fail("NoSuchEntity", 404, "The Access Key with id %s cannot be found.", in.AccessKeyId)
	}
	out.UserName = who.Name
	used := &out.AccessKeyLastUsed
	used.LastUsedDate, used.ServiceName, used.Region = key.Used, orNA(key.Service), orNA(key.Region)
	return out, nil
}

func orNA(s string) string {
	if s == "" {
		return "N/A"
	}
	return s
}

type createAccessKeyOut struct{ AccessKey keyShape }

// maxKeys is the quota of access keys of a user or root.
const maxKeys = 2

func createAccessKey(c *cloud.Call, in onSelf) (out createAccessKeyOut, err error) {
	s, err := in.subject(c)
	switch {
	case err != nil:
		return out, err
	case c.Caller.Session != nil && c.Caller.Session.AssumedRoot:
		return out, cloud.Fail("AccessDenied", 403, "A root session cannot create access keys")
	case len(*s.keys) >= maxKeys:
		return out, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
	}
	k := c.Cloud.NewKey(s.who, c.Now)
	*s.keys = append(*s.keys, k)
	out.AccessKey = keyShape{s.name(), k.ID, status[true], k.Secret, k.Created}
	return out, nil
}

type keyIn struct {
	onSelf
	AccessKeyId string `aws:",must"`
}

func (in *keyIn) key(c *cloud.Call) (*subject, *cloud.AccessKey, error) {
	s, err := in.subject(c)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range *s.keys {
		if k.ID == in.AccessKeyId {
			return s, k, nil
		}
	}
	return nil, nil, cloud.Fail("NoSuchEntity", 404, "The Access Key with id %s cannot be found.", in.AccessKeyId)
}

type updateAccessKeyIn struct {
	keyIn
	Status string `aws:",must"`
}

func updateAccessKey(c *cloud.Call, in updateAccessKeyIn) (cloud.None, error) {
	_, k, err := in.key(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case in.Status != "Active" && in.Status != "Inactive":
		return cloud.None{}, c.Invalid("Status must be Active or Inactive")
	}
	k.Active = in.Status == "Active"
	return cloud.None{}, nil
}

func deleteAccessKey(c *cloud.Call, in keyIn) (cloud.None, error) {
	s, k, err := in.key(c)
	if err == nil {
		*s.keys = remove(*s.keys, k)
		c.Cloud.DropKey(k.ID)
	}
	return cloud.None{}, err
}

type certificateShape struct {
	UserName, CertificateId, CertificateBody, Status string
	UploadDate                                       time.Time
}

type listCertificatesOut struct {
	Certificates []certificateShape
	page
}

func listCertificates(c *cloud.Call, in selfPaged) (out listCertificatesOut, err error) {
	s, err := in.subject(c)
	if err != nil {
		return out, err
	}
	var all []certificateShape
	for _, k := range *s.certificates {
		all = append(all, certificateShape{s.name(), k.ID, k.Body, status[k.Active], k.Uploaded})
	}
	out.Certificates, out.page, err = cut(c, in.paged, all)
	return out, err
}

type uploadCertificateIn struct {
	onSelf
	CertificateBody string `aws:",must"`
}

type certificateOut struct{ Certificate certificateShape }

func uploadCertificate(c *cloud.Call, in uploadCertificateIn) (out certificateOut, err error) {
	s, err := in.subject(c)
	switch {
	case err != nil:
		return out, err
	case !strings.HasPrefix(strings.TrimSpace(in.CertificateBody), "-----BEGIN CERTIFICATE-----"):
		return out, cloud.Fail("MalformedCertificate", 400, "Unable to parse certificate. Please ensure the certificate is in PEM format.")
	case len(*s.certificates) >= maxKeys:
		return out, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for CertificatesPerUser: %d", maxKeys)
	}
	k := &cloud.Certificate{ID: strings.ToUpper(c.Cloud.Word(32)), Body: in.CertificateBody, Active: true, Uploaded: c.Now}
	*s.certificates = append(*s.certificates, k)
	out.Certificate = certificateShape{s.name(), k.ID, k.Body, status[true], k.Uploaded}
	return out, nil
}

type deleteCertificateIn struct {
	onSelf
	CertificateId string `aws:",must"`
}

func deleteCertificate(c *cloud.Call, in deleteCertificateIn) (cloud.None, error) {
	s, err := in.subject(c)
	if err != nil {
		return cloud.None{}, err
	}
	for _, k := range *s.certificates {
		if k.ID == in.CertificateId {
			*s.certificates = remove(*s.certificates, k)
			return cloud.None{}, nil
		}
	}
	return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "The Certificate with id %s cannot be found.", in.CertificateId)
}

type profileOut struct{ LoginProfile loginShape }

type loginShape struct {
	UserName              string
	CreateDate            time.Time
	PasswordResetRequired bool
}

func showLogin(s *subject) profileOut {
	return profileOut{loginShape{s.name(), s.password.Created, s.password.ResetRequired}}
}

func (s *subject) profile() error {
	if !s.password.Set {
		return cloud.Fail("NoSuchEntity", 404, "Login Profile for User %s cannot be found.", s.name())
	}
	return nil
}

func getLoginProfile(c *cloud.Call, in onSelf) (profileOut, error) {
	s, err := in.subject(c)
	if err == nil {
		err = s.profile()
	}
	if err != nil {
		return profileOut{}, err
	}
	return showLogin(s), nil
}

type loginProfileIn struct {
	onSelf
	Password              string `aws:",secret"`
	PasswordResetRequired bool
}

// createLoginProfile gives a user a password. In a root session no password is given:
// it makes the profile with which root recovers its password.
func createLoginProfile(c *cloud.Call, in loginProfileIn) (profileOut, error) {
	s, err := in.subject(c)
	switch {
	case err != nil:
		return profileOut{}, err
	case s.password.Set:
		return profileOut{}, cloud.Fail("EntityAlreadyExists", 409, "Login Profile for user %s already exists.", s.name())
	case in.Password == "" && s.user != nil:
		return profileOut{}, c.Invalid("missing required parameter Password")
	}
	if err := checkPassword(c, in.Password, s.user == nil); err != nil {
		return profileOut{}, err
	}
	*s.password = cloud.Password{Set: true, Value: in.Password, Created: c.Now, Changed: c.Now, ResetRequired: in.PasswordResetRequired}
	return showLogin(s), nil
}

// checkPassword holds a password to the account's policy, or to AWS's default of eight
// letters of three kinds.
func checkPassword(c *cloud.Call, password string, root bool) error {
	if root {
		return nil
	}
	p := c.Account.Password
	has := func(set string) bool { return strings.ContainsAny(password, set) }
	upper, lower := has("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), has("abcdefghijklmnopqrstuvwxyz")
	digit, symbol := has("0123456789"), has("!@#$%^&*()_+-=[]{}|'")
	kinds := 0
	for _, k := range []bool{upper, lower, digit, symbol} {
		if k {
			kinds++
		}
	}
	good := len(password) >= 8 && kinds >= 3
	if p != nil {
		good = len(password) >= p.MinimumLength && (upper || !p.Uppercase) && (lower || !p.Lowercase) && (digit || !p.Numbers) && (symbol || !p.Symbols)
	}
	if !good {
		return cloud.Fail("PasswordPolicyViolation", 400, "Password does not conform to the account password policy.")
	}
	return nil
}

type updateProfileIn struct {
	onUser
	Password              string `aws:",secret"`
	PasswordResetRequired *bool
}

func updateLoginProfile(c *cloud.Call, in updateProfileIn) (cloud.None, error) {
	u, err := in.user(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case !u.Password.Set:
		return cloud.None{}, cloud.Fail("NoSuchEntity", 404, "Login Profile for User %s cannot be found.", u.Name)
	}
	if in.Password != "" {
		if err := checkPassword(c, in.Password, false); err != nil {
			return cloud.None{}, err
		}
		u.Password.Value, u.Password.Changed = in.Password, c.Now
	}
	if in.PasswordResetRequired != nil {
		u.Password.ResetRequired = *in.PasswordResetRequired
	}
	return cloud.None{}, nil
}

func deleteLoginProfile(c *cloud.Call, in onSelf) (cloud.None, error) {
	s, err := in.subject(c)
	if err == nil {
		err = s.profile()
	}
	if err == nil {
		*s.password = cloud.Password{Used: s.password.Used}
	}
	return cloud.None{}, err
}

// newSeed is the secret of a virtual device.
func newSeed(c *cloud.Call) string {
	return strings.TrimRight(base32.StdEncoding.EncodeToString([]byte(c.Cloud.Secret(40))), "=")
}
