// openid-client, as its users write it.

import * as client from 'openid-client'

import { run } from './run.mjs'

const AUTHENTICATION = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  none: client.None,
}

/** Find everything by the metadata of RFC 8414, from the issuer alone. */
function discover({ issuer, clientId, clientSecret, method = 'client_secret_basic' }) {
  return client.discovery(new URL(issuer), clientId, undefined, AUTHENTICATION[method](clientSecret), {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests], // a server on this machine
  })
}

await run({
  async metadata(who) {
    return (await discover(who)).serverMetadata()
  },

  async clientCredentials({ scope, ...who }) {
    return client.clientCredentialsGrant(await discover(who), scope ? { scope } : {})
  },

  /** Make the address to send a browser to, and what to keep for this browser meanwhile. */
  async authorizationUrl({ redirectUri, scope, ...who }) {
    const config = await discover(who)
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope,
      state,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return { url, kept: { verifier, state } }
  },

  /** Take the browser that comes back; the library checks `state` and `iss`. */
  async authorizationCode({ back, kept, ...who }) {
    const checks = { pkceCodeVerifier: kept.verifier, expectedState: kept.state }
    return client.authorizationCodeGrant(await discover(who), new URL(back), checks)
  },

  async refresh({ refreshToken, ...who }) {
    return client.refreshTokenGrant(await discover(who), refreshToken)
  },

  async revoke({ token, ...who }) {
    return client.tokenRevocation(await discover(who), token)
  },

  async introspect({ token, ...who }) {
    return client.tokenIntrospection(await discover(who), token)
  },

  async call({ accessToken, url, ...who }) {
    const answer = await client.fetchProtectedResource(await discover(who), accessToken, new URL(url), 'GET')
    return answer.json()
  },
})
