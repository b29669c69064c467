/** How the platform’s interfaces say no. */

/** Answered as JSON with status 200, as everything is. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly errcode: number

  constructor(errcode: number, errmsg = MESSAGES[errcode] ?? 'refused') {
    super(errmsg)
    this.errcode = errcode
  }
}

/**
 * The platform’s words for its numbers.
 * Source: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html, read 2026-11-22.
 */
const MESSAGES: { readonly [errcode: number]: string } = {
  [-1]: 'system error',
  40001: 'invalid credential, access_token is invalid or not latest',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40004: 'invalid media type',
  40005: 'invalid file type',
  40007: 'invalid media_id',
  40008: 'invalid message type',
  40009: 'invalid image size',
  40010: 'invalid voice size',
  40011: 'invalid video size',
  40012: 'invalid thumb size',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40016: 'invalid button size',
  40017: 'invalid button type',
  40018: 'invalid button name size',
  40019: 'invalid button key size',
  40020: 'invalid button url size',
  40023: 'invalid sub button size',
  40032: 'invalid openid list size',
  40033: 'invalid charset. please check your request, if include \\uxxxx will create fail!',
  40066: 'invalid url',
  40125: 'invalid appsecret',
  40164: 'invalid ip, not in whitelist',
  41001: 'access_token missing',
  41002: 'appid missing',
  41004: 'appsecret missing',
  41005: 'media data missing',
  41006: 'media_id missing',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  43019: 'require remove blacklist',
  44001: 'empty media data',
  44002: 'empty post data',
  44004: 'empty content',
  45001: 'media size out of limit',
  45002: 'content size out of limit',
  45008: 'article size out of limit',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  45015: 'response out of time limit or subscription is canceled',
  45047: 'out of response count limit',
  45056: 'tag count out of limit',
  45058: 'can not modify the system tag',
  45059: 'can not tag the user with so many tags',
  45072: 'invalid command',
  45080: 'no recent interaction with the user',
  45081: 'typing status is already set',
  45157: 'invalid tag name',
  45158: 'tag name too long',
  45159: 'invalid tag id',
  46003: 'menu no exist',
  47001: 'data format error',
  48001: 'api unauthorized',
  48006: 'forbid to clear quota because of reaching the limit',
  49003: 'openid not match with appid',
  61450: 'system error',
  61452: 'invalid kf_account',
  65400: 'please enable new custom service, or wait for a while if you have enabled',
  65401: 'invalid custom service',
  65403: 'invalid nickname',
  65404: 'invalid kf_account',
  65405: 'kf_account count out of limit',
  65406: 'kf_account exist',
  76021: 'cgi_path not found, please check',
}
