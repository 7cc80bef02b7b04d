package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// withContext are the parameters that go into what is authenticated.
type withContext struct{ EncryptionContext map[string]string }

func (w withContext) keys() map[string][]string {
	out := map[string][]string{}
	for k, v := range w.EncryptionContext {
		out["kms:EncryptionContext:"+k] = []string{v}
	}
	return out
}

// data is the context as bytes; JSON sorts the keys of a map.
func (w withContext) data() []byte {
	if len(w.EncryptionContext) == 0 {
		return nil
	}
	out, _ := json.Marshal(w.EncryptionContext) // a map of text always marshals
	return out
}

// seal encrypts below the key: ARN, a zero byte, nonce, ciphertext.
func (k *key) seal(c *cloud.Call, w withContext, plain []byte) ([]byte, error) {
	gcm, err := k.gcm()
	if err != nil {
		return nil, err
	}
	nonce := []byte(c.Cloud.Secret(gcm.NonceSize()))
	out := append([]byte(k.arn+"\x00"), nonce...)
	return gcm.Seal(out, nonce, plain, w.data()), nil
}

func (k *key) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

type encryptIn struct {
	onKey
	withContext
	Plaintext           []byte `aws:",must,secret"`
	EncryptionAlgorithm string
}

// On is the key, with the encryption context as condition keys.
func (in *encryptIn) On(c *cloud.Call) cloud.Resource {
	r := in.onKey.On(c)
	r.Keys = in.keys()
	return r
}

const symmetric = "SYMMETRIC_DEFAULT"

func checkAlgorithm(c *cloud.Call, name string) error {
	if name != "" && name != symmetric {
		return cloud.Fail("InvalidKeyUsageException", 400, "%s is not for symmetric keys", name)
	}
	return nil
}

type encryptOut struct {
	CiphertextBlob             []byte
	KeyId, EncryptionAlgorithm string
}

func encrypt(c *cloud.Call, in encryptIn) (out encryptOut, err error) {
	k, err := in.usable(c)
	if err == nil {
		err = checkAlgorithm(c, in.EncryptionAlgorithm)
	}
	if err != nil {
		return out, err
	}
	if len(in.Plaintext) > 4096 {
		return out, c.Invalid("Plaintext must have at most 4096 bytes")
	}
	sealed, err := k.seal(c, in.withContext, in.Plaintext)
	return encryptOut{sealed, k.arn, symmetric}, err
}

type decryptIn struct {
	KeyId          string
	CiphertextBlob []byte `aws:",must"`
	withContext
	EncryptionAlgorithm string
}

// key is the key that the ciphertext names.
func (in *decryptIn) key() onKey {
	arn, _, _ := strings.Cut(string(in.CiphertextBlob), "\x00")
	return onKey{arn}
}

// On is the key of the ciphertext.
func (in *decryptIn) On(c *cloud.Call) cloud.Resource {
	on := in.key()
	r := on.On(c)
	r.Keys = in.keys()
	return r
}

type decryptOut struct {
	KeyId, EncryptionAlgorithm string
	Plaintext                  []byte `aws:",secret"`
}

func decrypt(c *cloud.Call, in decryptIn) (out decryptOut, err error) {
	invalid := cloud.Fail("InvalidCiphertextException", 400, "The ciphertext is not one of the simulator, or its encryption context differs")
	on := in.key()
	if find(c, on.KeyId) == nil {
		return out, invalid
	}
	k, err := on.usable(c)
	if err == nil {
		err = checkAlgorithm(c, in.EncryptionAlgorithm)
	}
	if err != nil {
		return out, err
	}
	if in.KeyId != "" && find(c, in.KeyId) != k {
		return out, cloud.Fail("IncorrectKeyException", 400, "The key ID in the request does not identify a CMK that can perform this operation.")
	}
	gcm, err := k.gcm()
	if err != nil {
		return out, err
	}
	_, sealed, _ := strings.Cut(string(in.CiphertextBlob), "\x00")
	if len(sealed) < gcm.NonceSize() {
		return out, invalid
	}
	plain, err := gcm.Open(nil, []byte(sealed[:gcm.NonceSize()]), []byte(sealed[gcm.NonceSize():]), in.data())
	if err != nil {
		return out, invalid
	}
	return decryptOut{k.arn, symmetric, plain}, nil
}

type dataKeyIn struct {
	onKey
	withContext
	NumberOfBytes int
	KeySpec       string
}

// On is the key, with the encryption context as condition keys.
func (in *dataKeyIn) On(c *cloud.Call) cloud.Resource {
	r := in.onKey.On(c)
	r.Keys = in.keys()
	return r
}

type dataKeyOut struct {
	CiphertextBlob []byte
	Plaintext      []byte `aws:",secret"`
	KeyId          string
}

func generateDataKey(c *cloud.Call, in dataKeyIn) (out dataKeyOut, err error) {
	k, err := in.usable(c)
	if err != nil {
		return out, err
	}
	n := in.NumberOfBytes
	switch {
	case in.KeySpec != "" && n != 0:
		return out, c.Invalid("Please specify either number of bytes or key spec.")
	case in.KeySpec == "AES_256":
		n = 32
	case in.KeySpec == "AES_128":
		n = 16
	}
	if n < 1 || n > 1024 {
		return out, c.Invalid("NumberOfBytes must be 1 to 1024, or KeySpec AES_128 or AES_256")
	}
	plain := []byte(c.Cloud.Secret(n))
	sealed, err := k.seal(c, in.withContext, plain)
	return dataKeyOut{sealed, plain, k.arn}, err
}
