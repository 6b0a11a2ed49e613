/**
 * A certificate for `localhost` that nobody trusts, and its key: made for the tests, with
 * `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500`.
 */
export const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIURQxHSdX5/yxnouNyOBe/ZPcnu4gwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTExNDc1MFoYDzIxMjYxMDI4
MTE0NzUwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARVYC/53faYQ2E1gHnh4FOyWX6zzQlb8AYHNxo/K7NjOMS4PmT/Usbb
asGSestLaT7HDpyms86qfh/SP6jELgTGo28wbTAdBgNVHQ4EFgQU4sez9FyZj8aj
afwRjY3EsSqz7y4wHwYDVR0jBBgwFoAU4sez9FyZj8ajafwRjY3EsSqz7y4wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgRQ301/6W/gdRvHcvHIzsVMsWzh4pDOyQ5O6TuOgcSGUCIQCk
3lrTFQuTtiC4SZsRnxsK9jcnAisB/ilEgDqM9ZjYZg==
-----END CERTIFICATE-----`;

export const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg09BqTg7HC5O1JUcH
yzCnDPM1vC2U2Fr2zXxL1Dr5ShKhRANCAARVYC/53faYQ2E1gHnh4FOyWX6zzQlb
8AYHNxo/K7NjOMS4PmT/UsbbasGSestLaT7HDpyms86qfh/SP6jELgTG
-----END PRIVATE KEY-----`;
