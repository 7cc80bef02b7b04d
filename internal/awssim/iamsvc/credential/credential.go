// Package credential holds the operations of IAM on what users and root sign in with:
// access keys, passwords, signing certificates, MFA devices.
package credential

import (
	"encoding/base32"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
)

// Operations lists them.
func Operations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListAccessKeys", listAccessKeys),
		cloud.Op("GetAccessKeyLastUsed", getAccessKeyLastUsed),
		cloud.Op("CreateAccessKey", createAccessKey),
		cloud.Op("UpdateAccessKey", updateAccessKey),
		cloud.Op("DeleteAccessKey", deleteAccessKey),
		cloud.Op("ListSigningCertificates", listCertificates),
		cloud.Op("UploadSigningCertificate", uploadCertificate),
		cloud.Op("UpdateSigningCertificate", updateCertificate),
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
	entity.OnSelf
	entity.Paged
}

type listAccessKeysOut struct {
	AccessKeyMetadata []keyShape
	entity.Page
}

func listAccessKeys(c *cloud.Call, in selfPaged) (out listAccessKeysOut, err error) {
	s, err := in.Subject(c)
	if err != nil {
		return out, err
	}
	var all []keyShape
	for _, k := range *s.Keys {
		all = append(all, keyShape{UserName: s.Name(), AccessKeyId: k.ID, Status: status[k.Active], CreateDate: k.Created})
	}
	out.AccessKeyMetadata, out.Page, err = entity.Cut(c, in.Paged, all)
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
	used.LastUsedDate, used.ServiceName, used.Region = key.Used, entity.OrNA(key.Service), entity.OrNA(key.Region)
	return out, nil
}

type createAccessKeyOut struct{ AccessKey keyShape }

func createAccessKey(c *cloud.Call, in entity.OnSelf) (out createAccessKeyOut, err error) {
	s, err := in.Subject(c)
	switch {
	case err != nil:
		return out, err
	case c.Caller.Session != nil && c.Caller.Session.AssumedRoot:
		return out, cloud.Fail("AccessDenied", 403, "A root session cannot create access keys")
	case len(*s.Keys) >= entity.MaxKeys:
		return out, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: %d", entity.MaxKeys)
	}
	k := c.Cloud.NewKey(s.Who, c.Now)
	*s.Keys = append(*s.Keys, k)
	out.AccessKey = keyShape{s.Name(), k.ID, status[true], k.Secret, k.Created}
	return out, nil
}

type keyIn struct {
	entity.OnSelf
	AccessKeyId string `aws:",must"`
}

func (in *keyIn) key(c *cloud.Call) (*entity.Subject, *cloud.AccessKey, error) {
	s, err := in.Subject(c)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range *s.Keys {
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
	if err == nil {
		err = entity.CheckStatus(c, in.Status)
	}
	if err != nil {
		return cloud.None{}, err
	}
	k.Active = in.Status == "Active"
	return cloud.None{}, nil
}

func deleteAccessKey(c *cloud.Call, in keyIn) (cloud.None, error) {
	s, k, err := in.key(c)
	if err == nil {
		*s.Keys = entity.Remove(*s.Keys, k)
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
	entity.Page
}

func listCertificates(c *cloud.Call, in selfPaged) (out listCertificatesOut, err error) {
	s, err := in.Subject(c)
	if err != nil {
		return out, err
	}
	var all []certificateShape
	for _, k := range *s.Certificates {
		all = append(all, certificateShape{s.Name(), k.ID, k.Body, status[k.Active], k.Uploaded})
	}
	out.Certificates, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type uploadCertificateIn struct {
	entity.OnSelf
	CertificateBody string `aws:",must"`
}

type certificateOut struct{ Certificate certificateShape }

func uploadCertificate(c *cloud.Call, in uploadCertificateIn) (out certificateOut, err error) {
	s, err := in.Subject(c)
	switch {
	case err != nil:
		return out, err
	case !strings.HasPrefix(strings.TrimSpace(in.CertificateBody), "-----BEGIN CERTIFICATE-----"):
		return out, cloud.Fail("MalformedCertificate", 400, "Unable to parse certificate. Please ensure the certificate is in PEM format.")
	case len(*s.Certificates) >= entity.MaxKeys:
		return out, cloud.Fail("LimitExceeded", 409, "Cannot exceed quota for CertificatesPerUser: %d", entity.MaxKeys)
	}
	k := &cloud.Certificate{ID: strings.ToUpper(c.Cloud.Word(32)), Body: in.CertificateBody, Active: true, Uploaded: c.Now}
	*s.Certificates = append(*s.Certificates, k)
	out.Certificate = certificateShape{s.Name(), k.ID, k.Body, status[true], k.Uploaded}
	return out, nil
}

type deleteCertificateIn struct {
	entity.OnSelf
	CertificateId string `aws:",must"`
}

func (in *deleteCertificateIn) certificate(c *cloud.Call) (*entity.Subject, *cloud.Certificate, error) {
	s, err := in.Subject(c)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range *s.Certificates {
		if k.ID == in.CertificateId {
			return s, k, nil
		}
	}
	return nil, nil, cloud.Fail("NoSuchEntity", 404, "The Certificate with id %s cannot be found.", in.CertificateId)
}

type updateCertificateIn struct {
	deleteCertificateIn
	Status string `aws:",must"`
}

func updateCertificate(c *cloud.Call, in updateCertificateIn) (cloud.None, error) {
	_, k, err := in.certificate(c)
	if err == nil {
		err = entity.CheckStatus(c, in.Status)
	}
	if err == nil {
		k.Active = in.Status == "Active"
	}
	return cloud.None{}, err
}

func deleteCertificate(c *cloud.Call, in deleteCertificateIn) (cloud.None, error) {
	s, k, err := in.certificate(c)
	if err == nil {
		*s.Certificates = entity.Remove(*s.Certificates, k)
	}
	return cloud.None{}, err
}

type profileOut struct{ LoginProfile loginShape }

type loginShape struct {
	UserName              string
	CreateDate            time.Time
	PasswordResetRequired bool
}

func showLogin(s *entity.Subject) profileOut {
	return profileOut{loginShape{s.Name(), s.Password.Created, s.Password.ResetRequired}}
}

func profile(s *entity.Subject) error {
	if !s.Password.Set {
		return cloud.Fail("NoSuchEntity", 404, "Login Profile for User %s cannot be found.", s.Name())
	}
	return nil
}

func getLoginProfile(c *cloud.Call, in entity.OnSelf) (profileOut, error) {
	s, err := in.Subject(c)
	if err == nil {
		err = profile(s)
	}
	if err != nil {
		return profileOut{}, err
	}
	return showLogin(s), nil
}

type loginProfileIn struct {
	entity.OnSelf
	Password              string `aws:",secret"`
	PasswordResetRequired bool
}

// createLoginProfile gives a user a password. In a root session no password is given:
// it makes the profile with which root recovers its password.
func createLoginProfile(c *cloud.Call, in loginProfileIn) (profileOut, error) {
	s, err := in.Subject(c)
	switch {
	case err != nil:
		return profileOut{}, err
	case s.Password.Set:
		return profileOut{}, cloud.Fail("EntityAlreadyExists", 409, "Login Profile for user %s already exists.", s.Name())
	case in.Password == "" && s.User != nil:
		return profileOut{}, c.Invalid("missing required parameter Password")
	}
	if err := checkPassword(c, in.Password, s.User == nil); err != nil {
		return profileOut{}, err
	}
	*s.Password = cloud.Password{Set: true, Value: in.Password, Created: c.Now, Changed: c.Now, ResetRequired: in.PasswordResetRequired}
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
	entity.OnUser
	Password              string `aws:",secret"`
	PasswordResetRequired *bool
}

func updateLoginProfile(c *cloud.Call, in updateProfileIn) (cloud.None, error) {
	u, err := in.User(c)
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

func deleteLoginProfile(c *cloud.Call, in entity.OnSelf) (cloud.None, error) {
	s, err := in.Subject(c)
	if err == nil {
		err = profile(s)
	}
	if err == nil {
		*s.Password = cloud.Password{Used: s.Password.Used}
	}
	return cloud.None{}, err
}

// newSeed is the secret of a virtual device.
func newSeed(c *cloud.Call) string {
	return strings.TrimRight(base32.StdEncoding.EncodeToString([]byte(c.Cloud.Secret(40))), "=")
}
